"""Slow and simple SpinTaylorT4 waveforms, written apart from lib/simulators, for tests/unit/simulators.

Writes waveform_reference.csv: for each point the five modes at every 50th output time. The modes are not rotated:
the quadrupole tensor is projected on directions of the sky and integrated against the spin-weighted harmonics
(Gauss-Legendre in cos(theta), equal steps in phi: exact for l = 2).

    python3 waveform_reference.py
"""
import numpy as np
from scipy.integrate import solve_ivp

POINTS = [  # q, chi1, chi2
    (1.7, (0.21, -0.35, 0.4), (-0.3, 0.25, -0.45)),
    (4.0, (0.8, 0.0, 0.0), (0.0, 0.48, -0.64)),
    (2.6, (0.0, 0.0, -0.7), (0.0, 0.0, 0.55)),
]


def rates(q):
    m = np.array([q, 1.0]) / (1.0 + q)
    eta = m[0] * m[1]
    pi = np.pi

    def rhs(t, y):
        v, lhat, e1, S = y[0], y[2:5], y[5:8], y[8:14].reshape(2, 3)
        s = S @ lhat
        nonspin = {
            0: 1.0,
            2: -(743 / 336 + 11 / 4 * eta),
            3: 4 * pi,
            4: 34103 / 18144 + 13661 / 2016 * eta + 59 / 18 * eta**2,
            5: -(4159 / 672 + 189 / 8 * eta) * pi,
            6: 16447322263 / 139708800 + 16 / 3 * pi**2 - 1712 / 105 * np.euler_gamma
            + (451 / 48 * pi**2 - 56198689 / 217728) * eta + 541 / 896 * eta**2 - 5605 / 2592 * eta**3
            - 856 / 105 * np.log(16 * v**2),
            7: -(4415 / 4032 - 358675 / 6048 * eta - 91495 / 1512 * eta**2) * pi,
        }
        spin = {
            3: sum((-19 / 6 - 25 / 4 / m[i]) * s[i] for i in (0, 1)),
            4: (-247 * S[0] @ S[1] + 721 * s[0] * s[1]) / (48 * eta)
            + sum((-233 * S[i] @ S[i] + 719 * s[i] ** 2) / (96 * m[i] ** 2) for i in (0, 1)),
            5: sum((-809 / 84 / m[i] + 13795 / 1008 - 527 / 24 * m[i] - 79 / 6 * m[i] ** 2) * s[i] for i in (0, 1)),
        }
        series = sum(a * v**k for k, a in nonspin.items()) + sum(a * v**k for k, a in spin.items())
        dS = np.empty((2, 3))
        for i, j in ((0, 1), (1, 0)):
            a = m[i]
            r = (v**5 * (3 / 2 - a - a**2 / 2)
                 + v**7 * (9 / 8 - a / 2 + 7 / 12 * a**2 - 7 / 6 * a**3 - a**4 / 24)
                 - 3 / 2 * v**6 * (s[j] + m[j] / m[i] * s[i]))
            dS[i] = np.cross(r * lhat + v**6 / 2 * S[j], S[i])
        dlhat = -dS.sum(axis=0) / (eta / v * (1 + (3 / 2 + eta / 6) * v**2))
        de1 = np.cross(np.cross(lhat, dlhat), e1)
        return np.concatenate([[32 / 5 * eta * v**9 * series, v**3], dlhat, de1, dS.ravel()])

    return rhs, m, eta


def harmonic(m, c, phi):
    s = np.sqrt(1 - c**2)
    polar = {2: np.sqrt(5 / 64 / np.pi) * (1 + c) ** 2, 1: np.sqrt(5 / 16 / np.pi) * s * (1 + c),
             0: np.sqrt(15 / 32 / np.pi) * s**2, -1: np.sqrt(5 / 16 / np.pi) * s * (1 - c),
             -2: np.sqrt(5 / 64 / np.pi) * (1 - c) ** 2}[m]
    return polar * np.exp(1j * m * phi)


def modes(eta, v, phase, lhat, e1):
    """Five modes of h+ - i hx of the tensor 4 eta v^2 (lambda lambda - n n), n the separation, lambda = Lhat x n."""
    e2 = np.cross(lhat, e1)
    n = e1 * np.cos(phase) + e2 * np.sin(phase)
    lam = np.cross(lhat, n)
    h = 4 * eta * v**2 * (np.outer(lam, lam) - np.outer(n, n))
    nodes, weights = np.polynomial.legendre.leggauss(6)
    result = np.zeros(5, complex)
    for c, w in zip(nodes, weights):
        s = np.sqrt(1 - c**2)
        for phi in 2 * np.pi * np.arange(8) / 8:
            theta_hat = np.array([c * np.cos(phi), c * np.sin(phi), -s])
            phi_hat = np.array([-np.sin(phi), np.cos(phi), 0.0])
            plus = 0.5 * (theta_hat @ h @ theta_hat - phi_hat @ h @ phi_hat)
            hx = theta_hat @ h @ phi_hat
            for k in range(5):
                result[k] += (plus - 1j * hx) * np.conj(harmonic(2 - k, c, phi)) * w * 2 * np.pi / 8
    return result


def main():
    times = np.linspace(-4500.0, 0.0, 2251)[::50]
    with open("waveform_reference.csv", "w") as out:
        out.write("q,chi1x,chi1y,chi1z,chi2x,chi2y,chi2z,t," + ",".join(
            f"{part}{m}" for m in ("22", "21", "20", "2m1", "2m2") for part in ("re", "im")) + "\n")
        for q, chi1, chi2 in POINTS:
            rhs, m, eta = rates(q)
            y0 = np.concatenate([[0.06 ** (1 / 3), 0.0], [0, 0, 1.0], [1.0, 0, 0], m[0] ** 2 * np.array(chi1),
                                 m[1] ** 2 * np.array(chi2)])
            run = solve_ivp(rhs, (0.0, -4500.0), y0, method="DOP853", t_eval=times[::-1], rtol=1e-12, atol=1e-13)
            assert run.success
            for t, y in zip(run.t[::-1], run.y.T[::-1]):
                h = modes(eta, y[0], y[1], y[2:5], y[5:8])
                row = [q, *chi1, *chi2, t] + [x for z in h for x in (z.real, z.imag)]
                out.write(",".join(f"{x:.12g}" for x in row) + "\n")


if __name__ == "__main__":
    main()
