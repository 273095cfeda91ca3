#!/usr/bin/env python3
"""The curve of docs/farm.md: what handing out costs, by the number of workers, before and after batches.

    build/release/bin/farm_simulation > farm.csv
    tests/benchmarks/farm/plot.py farm.csv > docs/farm-simulated.svg
"""

import csv
import math
import sys

WIDTH, HEIGHT, TOP, BOTTOM, LEFT, LABELS, GAP = 980, 420, 92, 62, 56, 128, 52
COLOURS = {0.01: "#b8442c", 0.1: "#b07d00", 1.0: "#1f6f8b"}
NAMES = {0.01: "10 ms", 0.1: "100 ms", 1.0: "1 s"}


def load(path):
    curves = {}
    with open(path, encoding="utf-8") as f:
        for row in csv.DictReader(f):
            key = (row["policy"], float(row["mean"]))
            curves.setdefault(key, {})[int(row["workers"])] = row
    return curves


class Panel:
    def __init__(self, left, title):
        self.left, self.width = left, (WIDTH - LEFT - GAP - 2 * LABELS) / 2
        self.out = [f'<text x="{left}" y="{TOP - 16}" class="title">{title}</text>']

    def x(self, workers):
        return self.left + self.width * (math.log2(workers) - 1) / 15

    def y(self, share):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    def axes(self):
        for share in (0, 0.25, 0.5, 0.75, 1):
            y = self.y(share)
            self.out.append(f'<line x1="{self.left}" x2="{self.left + self.width:.1f}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
            self.out.append(f'<text x="{self.left - 8}" y="{y + 4:.1f}" class="tick end">{100 * share:g} %</text>')
        for power in (1, 4, 7, 10, 13, 16):
            x = self.x(2**power)
            self.out.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" class="tick middle">{2**power:,}</text>'.replace(",", " "))
        self.out.append(f'<text x="{self.left + self.width / 2:.1f}" y="{HEIGHT - BOTTOM + 38}" class="tick middle">workers</text>')

    def curve(self, points, colour, dashed):
        path = " ".join(f"{'M' if i == 0 else 'L'}{self.x(w):.1f},{self.y(v):.1f}" for i, (w, v) in enumerate(points))
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.out.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        return self.y(points[-1][1])

    def labels(self, ends):
        """Names at the curves' ends, moved apart where they would overlap."""
        last = -1e9
        for y, words, colour in sorted(ends):
            y = max(y, last + 15)
            last = y
            self.out.append(f'<text x="{self.left + self.width + 8:.1f}" y="{y + 4:.1f}" class="tick" fill="{colour}">{words}</text>')


def main():
    curves = load(sys.argv[1])
    free = {w: float(row["efficiency"]) for w, row in curves[("free", 1.0)].items()}
    efficiency = Panel(LEFT, "Share of what is possible if messages cost nothing")
    load_panel = Panel(LEFT + (WIDTH - LEFT - GAP - 2 * LABELS) / 2 + LABELS + GAP, "Process 0 is busy")
    for panel, value in ((efficiency, lambda w, row: min(1.0, float(row["efficiency"]) / free[w])),
                         (load_panel, lambda w, row: min(1.0, float(row["load"])))):
        panel.axes()
        ends = []
        for mean, colour in COLOURS.items():
            if ("single", mean) not in curves:
                continue
            for policy, dashed, word in (("single", True, "one by one"), ("batched", False, "batches")):
                rows = curves[(policy, mean)]
                y = panel.curve([(w, value(w, row)) for w, row in sorted(rows.items())], colour, dashed)
                ends.append((y, f"{NAMES[mean]}, {word}", colour))
        panel.labels(ends)
    first = next(iter(curves[("batched", 1.0)].values()))
    print(f'''<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"
 aria-label="Simulated efficiency of the farm and load of process 0 from 2 to 65536 workers, runs handed out one by one and in batches">
<style>text{{font-family:system-ui,sans-serif;font-size:12px;fill:#333}} .title{{font-size:14px;font-weight:600}}
.tick[fill]{{font-weight:500}} .end{{text-anchor:end}} .middle{{text-anchor:middle}} .grid{{stroke:#ddd}}</style>
<rect width="100%" height="100%" fill="white"/>
<text x="{LEFT}" y="22">{first["runs_per_worker"]} runs for each worker, log-normal costs (σ = {float(first["sigma"]):g}) with the mean that is named.
 Dashed: handed out one by one. Full: in batches.</text>
<text x="{LEFT}" y="42">Process 0 needs {1e6 * float(first["service"]):g} µs for a batch, a message {1e3 * float(first["latency"]):g} ms each way.</text>''')
    for panel in (efficiency, load_panel):
        print("\n".join(panel.out).replace('class="tick" fill="', 'class="tick" style="fill:').replace('style="fill:#', 'style="fill:#'))
    print("</svg>")


if __name__ == "__main__":
    main()
