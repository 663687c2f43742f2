#!/usr/bin/python3
"""The report page in a real browser: nothing from outside, no overflow on a phone, readable by day and night, good on paper.

NIBBLE_REPORT names a report.html; without it, one is made by a small study. Skipped where there is no Chromium.
"""
import functools
import html
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path

from program import SMALL, ProgramTest, nibble, text_rows

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr"]
WIDTHS = [320, 360, 768, 1200]
A4_PAGES = range(2, 41)
DAY, NIGHT = 1, 0  # Blink's PreferredColorScheme
LEAST_CONTRAST = 4.5  # WCAG 2.1, 1.4.3: small text

# Runs in a page that holds the report in one frame for each width; leaves what it measured in <output>.
PROBE = """
const luminance = colour => colour.match(/[\\d.]+/g).slice(0, 3)
  .map(part => part / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
  .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
const contrast = (one, other) => {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};
const behind = element => {
  for (; element; element = element.parentElement) {
    const colour = element.ownerDocument.defaultView.getComputedStyle(element).backgroundColor;
    if (colour !== 'rgba(0, 0, 0, 0)') return colour;
  }
  return 'rgb(255, 255, 255)';
};
const pale = page => {
  const texts = [];
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest('title, style')) continue;
    const style = page.defaultView.getComputedStyle(element);
    const colour = element.closest('svg') ? style.fill : style.color;
    const ground = behind(element);
    if (!colour.startsWith('rgb(') || !ground.startsWith('rgb(')) continue;  // mixed colours: tinted cells
    const ratio = contrast(colour, ground);
    if (ratio < LEAST) texts.push(`${walker.currentNode.data.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return texts;
};
onload = () => {
  const measured = [...document.querySelectorAll('iframe')].map(frame => {
    const page = frame.contentDocument;
    return {width: frame.clientWidth, needed: page.documentElement.scrollWidth, pale: pale(page),
            ground: frame.contentWindow.getComputedStyle(page.body).backgroundColor};
  });
  document.querySelector('output').textContent = JSON.stringify(measured);
};
"""


def run_chromium(*arguments):
    """Standard output and standard error of a headless run."""
    with tempfile.TemporaryDirectory(prefix="nibble-chromium-") as profile:
        done = subprocess.run([CHROMIUM, *QUIET, f"--user-data-dir={profile}", *map(str, arguments)],
                              capture_output=True, check=True, timeout=120)
    return done.stdout.decode(), done.stderr.decode()


class Outline(HTMLParser):
    """What an assistive program, or a network, would see of a page."""

    def __init__(self, text):
        super().__init__()
        self.language = None
        self.headings = []
        self.elements = []  # (name, attributes)
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if tag == "html":
            self.language = attributes.get("lang")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def all(self, name):
        return [attributes for tag, attributes in self.elements if tag == name]


class ReportPage(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        given = os.environ.get("NIBBLE_REPORT")
        cls.report = Path(given).resolve() if given else cls.made_report()
        cls.text = cls.report.read_text(encoding="utf-8")

    @classmethod
    def made_report(cls):
        data = cls.folder / "data"
        data.mkdir()
        (data / "train.tsv").write_text(text_rows(200), encoding="utf-8")
        (data / "test.tsv").write_text(text_rows(60, seed=2) + "<script>console.error('run')</script>\t1\n", encoding="utf-8")
        done = nibble("study", data, "-o", cls.folder / "out", *SMALL)
        if done.returncode != 0:
            raise AssertionError(done.stderr.decode())
        return cls.folder / "out" / "report.html"


class WithoutABrowser(ReportPage):
    def test_nothing_comes_from_outside(self):
        outline = Outline(self.text)
        for name in ["script", "img", "iframe", "object", "embed", "base"]:
            self.assertEqual(outline.all(name), [], name)
        for tag, attributes in outline.elements:
            for key in ["src", "href", "xlink:href", "srcset", "action", "data"]:
                self.assertRegex(attributes.get(key) or "#", r"^(#|data:)", f"<{tag}>")
        self.assertNotRegex(self.text, r"url\(|@import|https?://")

    def test_it_can_be_read_without_seeing_it(self):
        outline = Outline(self.text)
        self.assertEqual(outline.language, "en")
        self.assertEqual(outline.headings.count(1), 1)
        for before, after in zip(outline.headings, outline.headings[1:]):
            self.assertLessEqual(after, before + 1, "a heading level is left out")
        self.assertEqual(len(outline.all("table")), len(outline.all("caption")))
        for attributes in outline.all("th"):
            self.assertIn(attributes.get("scope"), ["row", "col"])
        for attributes in outline.all("svg"):
            self.assertTrue(attributes.get("role") == "img" and attributes.get("aria-label"))


@unittest.skipUnless(CHROMIUM, "there is no Chromium here to show the page")
class InABrowser(ReportPage):
    @classmethod
    @functools.cache
    def probe(cls, scheme):
        """What the probe measured at each width, by day or by night, and what the browser logged."""
        frame = '<iframe style="border:0;height:900px;width:{}px" srcdoc="{}"></iframe>'
        page = cls.folder / "probe.html"
        page.write_text("<!DOCTYPE html><meta charset=utf-8><output></output>"
                        + "".join(frame.format(width, html.escape(cls.text)) for width in WIDTHS)
                        + f"<script>const LEAST = {LEAST_CONTRAST};{PROBE}</script>", encoding="utf-8")
        dom, log = run_chromium("--window-size=1400,1000", "--dump-dom",
                                f"--blink-settings=preferredColorScheme={scheme}", page.as_uri())
        return json.loads(html.unescape(re.search("<output>(.*?)</output>", dom, re.DOTALL)[1])), log

    def test_the_page_never_scrolls_sideways(self):
        for frame in self.probe(DAY)[0]:
            with self.subTest(width=frame["width"]):
                self.assertLessEqual(frame["needed"], frame["width"])

    def test_it_follows_day_and_night_with_enough_contrast(self):
        grounds = set()
        for scheme in [DAY, NIGHT]:
            frame = self.probe(scheme)[0][-1]
            grounds.add(frame["ground"])
            self.assertEqual(frame["pale"], [])
        self.assertEqual(len(grounds), 2)

    def test_the_console_stays_silent(self):
        for log in [self.probe(DAY)[1], run_chromium("--dump-dom", self.report.as_uri())[1]]:
            self.assertEqual([line for line in log.splitlines() if ":CONSOLE" in line], [])

    def test_it_prints(self):
        paper = self.folder / "report.pdf"
        run_chromium(f"--print-to-pdf={paper}", "--no-pdf-header-footer", self.report.as_uri())
        pages = len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes()))
        self.assertIn(pages, A4_PAGES)
        if shutil.which("pdftotext"):
            text = subprocess.run(["pdftotext", paper, "-"], capture_output=True, check=True).stdout.decode()
            for heading in re.findall(r"<h2[^>]*>(.*?)</h2>", self.text):
                self.assertIn(html.unescape(heading), text)


def load_tests(loader, _, __):
    """ReportPage itself is only the ground of the two others."""
    return unittest.TestSuite(map(loader.loadTestsFromTestCase, [WithoutABrowser, InABrowser]))


if __name__ == "__main__":
    unittest.main()
