"""Slow and simple Sobolev spectra, written apart from lib/simulators, for tests/unit/simulators.

No cuts and no clever nodes: midpoint rule with many angles and impact parameters, many shells, linear interpolation.
Good to about 1.5e-5 (relative L2; halving every resolution changes the spectra by that). Reads data/supernova-lines.csv.

    python3 supernova_reference.py          writes supernova_reference.csv
    python3 supernova_reference.py 2        the same with half of the resolution, to see the error
"""
import csv
import os
import sys

import numpy as np

C = 299792.458
V_MAX = 30000.0
IONS = {"Si II": 6347.11, "S II": 5453.85, "Ca II": 3933.66, "Fe II": 5169.03}
POINTS = [  # v_phot, T_phot, log_tau SiII, SII, CaII, FeII, v_e, T_exc
    (11000.0, 12000.0, 0.85, 0.25, 1.4, 0.35, 1500.0, 10000.0),
    (8600.0, 9000.0, 1.5, 0.9, 2.1, 1.1, 2700.0, 11500.0),
    (13700.0, 15500.0, 0.3, -0.2, 1.0, 0.9, 1500.0, 10000.0),
]


def planck(lam, T):
    h, k, c = 6.62607015e-34, 1.380649e-23, 2.99792458e8
    m = lam * 1e-10
    return 2 * h * c**2 / m**5 / np.expm1(h * c / (m * k * T)) * 1e-7  # W/m^3 -> erg/s/cm^2/Angstrom


def lines_of(point):
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "../../data/supernova-lines.csv")) as f:
        rows = list(csv.DictReader(line for line in f if not line.startswith("#")))
    kT = 8.617333262e-5 * point[7]
    strength = lambda r: 10 ** float(r["log_gf"]) * float(r["wavelength"]) * np.exp(-float(r["E_lower"]) / kT)
    result = []
    for (ion, reference), log_tau in zip(IONS.items(), point[2:6]):
        ref = [r for r in rows if r["ion"] == ion and float(r["wavelength"]) == reference][0]
        result += [(float(r["wavelength"]), 10**log_tau * strength(r) / strength(ref)) for r in rows if r["ion"] == ion]
    return sorted(result)


class Model:
    def __init__(self, point, coarser=1.0):
        self.v_phot, self.T, self.v_e = point[0], point[1], point[6]
        self.lines = lines_of(point)
        self.t = np.linspace(0, 1, int(500 / coarser) + 1)  # shells, r = v_phot + (v_max - v_phot) t^2
        self.S = []
        n = int(3000 / coarser)
        r = self.v_phot + (V_MAX - self.v_phot) * self.t[:, None] ** 2
        # Half of the angles within the cone that the photosphere fills, half outside.
        edge = np.sqrt(np.maximum(1 - (self.v_phot / r) ** 2, 0))
        mid = (np.arange(n // 2) + 0.5) / (n // 2)
        mu = np.hstack([-1 + (1 + edge) * mid, edge + (1 - edge) * mid])
        weight = np.hstack([(1 + edge) / (n // 2) + 0 * mid, (1 - edge) / (n // 2) + 0 * mid])
        for l, (lam_l, _) in enumerate(self.lines):
            lam = lam_l * (1 - r * mu / C)  # of the ray that is in resonance here
            I = self.ray(np.sqrt(np.maximum(r**2 * (1 - mu**2), 0)), lam, r * mu, l)
            self.S.append(0.5 * (I * weight).sum(axis=1))

    def ray(self, p, lam, z_end, count):
        """I of rays after the crossings of lines 0 ... count-1 that lie before z_end."""
        hit = np.sqrt(np.maximum(self.v_phot**2 - p**2, 0))
        from_photosphere = (p < self.v_phot) & (z_end >= hit)
        I = np.where(from_photosphere, planck(lam, self.T), 0.0)
        z_start = np.where(from_photosphere, hit, -np.sqrt(np.maximum(V_MAX**2 - p**2, 0)))
        for j in range(count):
            lam_j, tau_j = self.lines[j]
            z = C * (1 - lam / lam_j)
            met = (z > z_start) & (z < z_end)
            if not met.any():
                continue
            r = np.sqrt(p[met] ** 2 + z[met] ** 2)
            keep = r <= V_MAX
            r = np.minimum(r, V_MAX)
            tau = tau_j * np.exp(-(r - self.v_phot) / self.v_e)
            t = np.sqrt(np.maximum(r - self.v_phot, 0) / (V_MAX - self.v_phot))
            S = np.interp(t, self.t, self.S[j])
            after = I[met] * np.exp(-tau) + S * (1 - np.exp(-tau))
            I[met] = np.where(keep, after, I[met])
        return I

    def flux(self, lam, coarser=1.0):
        n = int(20000 / coarser)
        mid = (np.arange(n) + 0.5) / n
        inside, outside = self.v_phot * mid, self.v_phot + (V_MAX - self.v_phot) * mid
        p = np.concatenate([inside, outside])
        w = np.concatenate([inside * self.v_phot, outside * (V_MAX - self.v_phot)]) / n
        far = np.sqrt(V_MAX**2 - p**2)
        I = self.ray(p, np.full_like(p, lam), far, len(self.lines))
        return 2 * np.pi / self.v_phot**2 * (I * w).sum()


def main():
    coarser = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    wavelengths = 3000 * (10000 / 3000) ** ((np.arange(1000) + 0.5) / 1000)
    name = "supernova_reference.csv" if coarser == 1.0 else "supernova_reference_coarse.tmp"
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "w") as out:
        out.write("point_" + ",point_".join(str(i) for i in range(len(POINTS))) + "\n")
        spectra = []
        for point in POINTS:
            model = Model(point, coarser)
            spectra.append([model.flux(lam, coarser) for lam in wavelengths])
        for row in zip(*spectra):
            out.write(",".join(f"{x:.8g}" for x in row) + "\n")


if __name__ == "__main__":
    main()
