#!/usr/bin/env python3
"""Checks report pages from outside: well-formed, self-contained, without leaked NaN, accessible drawings.

usage: check_report.py PAGE.html...
"""
import html.parser
import re
import sys
import xml.etree.ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Balance(html.parser.HTMLParser):
    """As a browser reads it: every tag closed, no scripts, no references out."""

    def __init__(self):
        super().__init__()
        self.open, self.problems, self.ids, self.links, self.text = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.attributes(tag, attrs)

    def handle_startendtag(self, tag, attrs):
        self.attributes(tag, attrs)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes something else, line {self.getpos()[0]}")

    def attributes(self, tag, attrs):
        if tag in ("script", "link", "iframe", "img", "object", "embed", "use", "image"):
            self.problems.append(f"<{tag}> is not self-contained")
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            elif name == "href":
                self.links.append(value)
            elif name.startswith("on") or name in ("src", "srcset", "xlink:href"):
                self.problems.append(f"attribute {name} of <{tag}>")

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


def check(path):
    page = open(path, encoding="utf-8").read()
    problems = []
    if len(page.encode()) >= 1_000_000:
        problems.append("larger than a megabyte")
    parser = Balance()
    parser.feed(page)
    parser.close()
    problems += parser.problems
    if parser.open:
        problems.append(f"never closed: {parser.open}")
    doubles = {i for i in parser.ids if parser.ids.count(i) > 1}
    if doubles:
        problems.append(f"ids used twice: {sorted(doubles)}")
    for link in parser.links:
        if not (link.startswith("#") and link[1:] in parser.ids):
            problems.append(f"link to {link}")
    if re.search(r"https?://", page.replace("http://www.w3.org/2000/svg", "")) or "url(" in page or "@import" in page:
        problems.append("refers to something outside of the file")
    leaked = re.search(r"\b(nan|inf|infinity|null)\b", re.sub(r"<style>.*?</style>", "", page, flags=re.S), re.I)
    if leaked:
        at = leaked.start()
        problems.append(f"leaked number: …{page[max(0, at - 60):at + 30]}…")
    if re.search(r"\de[+-]\d", " ".join(parser.text)):
        # the recipe is shown as it is written
        shown = re.sub(r"<pre>.*?</pre>", "", page, flags=re.S)
        if re.search(r"\de[+-]\d", re.sub(r"<[^>]*>", "", shown)):
            problems.append("a number in programmers' notation")
    try:
        root = ET.fromstring(re.sub(r"^<!DOCTYPE html>", "", page))
    except ET.ParseError as error:
        return problems + [f"not well-formed: {error}"]
    ids = set(parser.ids)
    drawings = [e for e in root.iter(SVG + "svg") if e.get("role") == "img"]
    for svg in drawings:
        if not svg.get("viewBox") or svg.find(SVG + "title") is None or svg.find(SVG + "desc") is None:
            problems.append("a drawing without viewBox, title or desc")
        if not set(svg.get("aria-labelledby", "-").split()) <= ids:
            problems.append("a drawing labelled by nothing")
        _, _, width, height = map(float, svg.get("viewBox").split())
        for text in svg.iter(SVG + "text"):
            x, y = float(text.get("x")), float(text.get("y"))
            if not (-1 <= x <= width + 1 and 0 <= y <= height + 1):
                problems.append(f"text '{text.text}' outside of its drawing")
        for e in svg.iter(SVG + "path"):
            if not re.fullmatch(r"[MLlHVhz0-9 .\-]*", e.get("d")):
                problems.append(f"path {e.get('d')[:60]}")
    for table in root.iter("table"):
        if table.find("caption") is None or not table.findall("./thead/tr/th[@scope='col']"):
            problems.append("a table without caption or column headers")
        columns = len(table.findall("./thead/tr/th"))
        for row in table.findall("./tbody/tr"):
            if len(list(row)) != columns:
                problems.append("a row with cells missing")
    print(f"{path}: {len(page.encode()) // 1000} kB, {len(drawings)} drawings")
    return problems


failed = False
for page in sys.argv[1:]:
    for problem in check(page):
        print(f"{page}: {problem}", file=sys.stderr)
        failed = True
sys.exit(failed or len(sys.argv) < 2)
