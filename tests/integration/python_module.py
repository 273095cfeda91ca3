#!/usr/bin/env python3
"""The Python module against the program, NumPy and finite differences; what it refuses; examples/python.

    python_module.py MODULE_DIR PROGRAM SOURCE_DIR
"""
import os
import pickle
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest

MODULE_DIR, PROGRAM, SOURCE = (os.path.abspath(path) for path in sys.argv[1:4])
sys.path.insert(0, MODULE_DIR)

try:
    import numpy as np
except ImportError:
    print("skipped: NumPy is missing")
    sys.exit(77)
import ersatz


def runs(n, seed=1):
    x = np.random.default_rng(seed).random((n, 2)) * [9.0, 2.0] + [1.0, -1.0]
    axis = np.linspace(0.0, 1.0, 20)
    flux = np.exp(axis * x[:, 1:]) * x[:, :1] + 0.1 * np.sin(4.0 * axis + x[:, :1])
    wave = (1.0 + 0.3 * x[:, 1:]) * np.exp(1j * (2.0 * axis + 0.1 * x[:, :1] * axis))
    return x, axis, flux, wave


class Module(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        os.chdir(cls.folder.name)
        cls.x, cls.axis, cls.flux, cls.wave = runs(40)
        cls.one = ersatz.fit(cls.x, cls.flux, names=["a", "b"], units=["kg", ""], bounds=[[1, 10], [-1, 1]],
                             scales=["log", "linear"], axis=cls.axis, regressor="ridge")
        cls.two = ersatz.fit(cls.x, {"flux": cls.flux, "wave": cls.wave}, axis=cls.axis, test_fraction=0.0,
                             recipe='regressor = {name = "ridge", degree = 2}')

    @classmethod
    def tearDownClass(cls):
        os.chdir("/")
        cls.folder.cleanup()

    def test_describes_itself(self):
        self.assertEqual((self.one.names, self.one.units, self.one.scales), (["a", "b"], ["kg", ""], ["log", "linear"]))
        np.testing.assert_array_equal(self.one.bounds, [[1, 10], [-1, 1]])
        np.testing.assert_array_equal(self.one.axes["axis"], self.axis)
        self.assertEqual(self.two.outputs["wave"]["size"], 20)
        self.assertTrue(self.two.outputs["wave"]["complex"])
        self.assertLess(self.one.scores["y"]["nrmse"], 0.1)
        self.assertIsNone(self.two.scores)
        self.assertEqual(self.one.info["training_runs"], 40)
        self.assertIn("ridge", self.one.info["recipe"])
        self.assertRegex(repr(self.two), "flux, wave by x0, x1")

    def test_learns(self):
        x, _, flux, wave = runs(15, 2)
        mean = self.two(x)
        self.assertLess(np.linalg.norm(mean["flux"] - flux), 0.1 * np.linalg.norm(flux))
        self.assertLess(np.linalg.norm(mean["wave"] - wave), 0.1 * np.linalg.norm(wave))

    def test_shapes_and_layouts(self):
        x = runs(6, 3)[0]
        rows = self.one(x)
        self.assertEqual(rows.shape, (6, 20))
        for i in range(6):
            np.testing.assert_array_equal(self.one(x[i]), rows[i])
        np.testing.assert_array_equal(self.one(np.asfortranarray(x)), rows)
        np.testing.assert_array_equal(self.one(x.tolist()), rows)
        np.testing.assert_array_equal(self.one(np.hstack([x, x])[:, :2]), rows)
        np.testing.assert_array_equal(self.one.predict(x, threads=2), rows)
        mean, std = self.two.predict(x, std=True)
        self.assertEqual((std["wave"].shape, std["wave"].dtype), ((6, 20), np.complex128))
        self.assertTrue((std["flux"] > 0).all() and (std["wave"].imag > 0).all())
        self.assertEqual(self.one(np.empty((0, 2))).shape, (0, 20))

    def test_same_numbers_as_the_program(self):
        try:
            import h5py
        except ImportError:
            self.skipTest("h5py is missing")
        self.two.save("two.h5", overwrite=True)
        x = runs(7, 4)[0]
        np.savetxt("points.csv", x, delimiter=",", fmt="%.17g")
        subprocess.run([PROGRAM, "predict", "two.h5", "points.csv", "-o", "p.h5", "--force", "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)
        mean, std = self.two.predict(x, std=True)
        with h5py.File("p.h5") as file:
            for name in mean:
                np.testing.assert_array_equal(file[f"outputs/{name}/mean"][()], mean[name])
                np.testing.assert_array_equal(file[f"outputs/{name}/std"][()], std[name])
            inside = file["inside_domain"][()]
        np.testing.assert_array_equal(inside == 1, self.two.domain_score(x) <= 1)
        self.assertEqual(self.two.domain_score([1e9, 0.0]), np.inf)

    def test_derivatives(self):
        x, step = np.array([3.0, 0.2]), 1e-5
        jacobian = self.two.jacobian(x)
        for name in ("flux", "wave"):
            for k in range(2):
                h = step * np.eye(2)[k]
                slope = (self.two(x + h)[name] - self.two(x - h)[name]) / (2 * step)
                np.testing.assert_allclose(jacobian[name][:, k], slope, atol=1e-7 * np.abs(slope).max())
        np.testing.assert_array_equal(self.two.jacobian(np.stack([x, x]))["wave"][1], jacobian["wave"])

    def test_covariance(self):
        x = [3.0, 0.2]
        full = self.one.covariance(x)
        _, std = self.one.predict(x, std=True)
        np.testing.assert_allclose(np.sqrt(np.diag(full)), std, rtol=1e-12)
        factors, diagonal = self.one.covariance_factors(x)
        np.testing.assert_allclose(factors.T @ factors + np.diag(diagonal), full, atol=1e-14 * full.max())
        self.assertGreater(np.linalg.eigvalsh(full).min(), -1e-12 * full.max())
        self.assertEqual(self.two.covariance(x, "wave").shape, (40, 40))

    def test_files_and_pickles(self):
        self.one.save("one.h5", overwrite=True)
        x = runs(5, 5)[0]
        for other in (ersatz.load("one.h5"), pickle.loads(pickle.dumps(self.one))):
            np.testing.assert_array_equal(other(x), self.one(x))
            self.assertEqual(other.scores, self.one.scores)
        with self.assertRaisesRegex(ValueError, "overwrite=True"):
            self.one.save("one.h5")

    def test_runs_that_failed_are_left_out(self):
        flux = self.flux.copy()
        flux[3, 5] = np.nan
        e = ersatz.fit(self.x, flux, regressor="linear", test_fraction=0.0)
        self.assertEqual(e.info["training_runs"], 39)

    def test_masked_values_are_failed_runs(self):
        for values in (self.flux, self.wave):
            masked = np.ma.array(values, mask=np.zeros(values.shape, bool), copy=True)
            masked[3, 5] = 1e20
            masked[3, 5] = np.ma.masked
            e = ersatz.fit(self.x, masked, regressor="ridge", test_fraction=0.0)
            self.assertEqual(e.info["training_runs"], 39)
            self.assertLess(np.abs(e(self.x) - values).max(), 10.0)

    def test_other_threads_run(self):
        x = np.tile(self.x, (5000, 1))
        ticks, stop = [], threading.Event()

        def tick():
            while not stop.is_set():
                ticks.append(time.perf_counter())
                time.sleep(0.001)

        thread = threading.Thread(target=tick)
        thread.start()
        begin = time.perf_counter()
        self.two.predict(x, std=True)
        seconds = time.perf_counter() - begin
        stop.set()
        thread.join()
        # In the middle of the call, not around it.
        self.assertTrue(any(begin + 0.2 * seconds < t < begin + 0.8 * seconds for t in ticks))

    def test_refusals(self):
        def refused(kind, words, call):
            with self.assertRaisesRegex(kind, words):
                call()

        refused(ValueError, r"shape \(3\); expected \(2,\) or \(n, 2\)", lambda: self.one([1.0, 2.0, 3.0]))
        refused(ValueError, "point 1: b = nan", lambda: self.one([[1.0, 0.0], [2.0, np.nan]]))
        refused(ValueError, "point 0: a = -1", lambda: self.one([-1.0, 0.0]))
        refused(OSError, "nothing.h5", lambda: ersatz.load("nothing.h5"))
        refused(ValueError, "name one of them: flux, wave", lambda: self.two.covariance([3.0, 0.2]))
        refused(ValueError, "no output 'x'", lambda: self.two.covariance([3.0, 0.2], "x"))
        refused(ValueError, "unknown|no regressor|known", lambda: ersatz.fit(self.x, self.flux, regressor="forests"))
        refused(ValueError, "39 rows, X has 40", lambda: ersatz.fit(self.x, self.flux[1:]))
        refused(ValueError, "names: 1 are given for the 2", lambda: ersatz.fit(self.x, self.flux, names=["a"]))
        refused(ValueError, "expected 20 values", lambda: ersatz.fit(self.x, self.flux, axis=[1.0, 2.0]))
        refused(ValueError, "recipe", lambda: ersatz.fit(self.x, self.flux, recipe="regressor = "))
        refused(ValueError, "test_fraction is 2", lambda: ersatz.fit(self.x, self.flux, test_fraction=2.0))
        refused(ValueError, "expected the shape", lambda: ersatz.fit(self.x, self.flux, bounds=[1.0, 2.0]))
        refused(ValueError, "axis: there is no output 'fluks'; there are: flux",
                lambda: ersatz.fit(self.x, {"flux": self.flux}, axis={"fluks": self.axis}))
        refused(ValueError, "names in UTF-8, got 1", lambda: ersatz.fit(self.x, {1: self.flux}))
        refused(ValueError, "names in UTF-8", lambda: ersatz.fit(self.x, {"1": self.flux}, axis={1: self.axis}))
        refused(ValueError, "'x1' is periodic: bounds",
                lambda: ersatz.fit(self.x, self.flux, scales=["linear", "periodic"]))
        refused(ValueError, "threads is -3", lambda: ersatz.fit(self.x, self.flux, threads=-3))
        refused(ValueError, "threads is 5000", lambda: self.one.predict(self.x, threads=5000))
        # What is not a number is refused by NumPy itself.
        words = [["a", "b"]] * len(self.x)
        refused(ValueError, "could not convert string", lambda: ersatz.fit(self.x, words))
        refused(ValueError, "could not convert string", lambda: ersatz.fit(self.x, self.flux, axis=["a"] * 20))
        ragged = [[1.0]] * (len(self.x) - 1) + [[1.0, 2.0]]
        refused(ValueError, "inhomogeneous|sequence", lambda: ersatz.fit(self.x, ragged))
        with self.assertRaises((TypeError, ValueError)):
            self.one("a point")

    def test_example(self):
        try:
            import emcee  # noqa: F401
        except ImportError:
            self.skipTest("emcee is missing")
        said = subprocess.run([sys.executable, os.path.join(SOURCE, "examples/python/posterior.py")], check=True,
                              env={**os.environ, "PYTHONPATH": MODULE_DIR}, stdout=subprocess.PIPE, text=True).stdout
        shift = re.search(r"at most ([0-9.]+) standard deviations", said)
        self.assertIsNotNone(shift, said)
        self.assertLess(float(shift.group(1)), 0.25, said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
