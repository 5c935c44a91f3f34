#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`medlar report` on the shipped digits model: the page opens in a browser and says what the engine says.

Usage: digits_report_test.py MEDLAR MODEL_FOLDER
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile


def main():
    medlar, model = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder, "report.html")
        accuracy = pathlib.Path(folder, "accuracy.json")
        accuracy.write_text('{"top1": 99.0, "reference_top1": 98.5, "images": 200}')
        subprocess.run([medlar, "report", model / "digits.onnx", "--int8", "--calib", model / "calibration", "--accuracy", accuracy,
                        "-o", page], check=True)
        text = page.read_text()
        data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1))
        assert data["layers"] and any(layer["engine"] == "DLA" for layer in data["layers"])
        assert len(data["edges"]) >= len(data["layers"]) - 2, "the network is connected"
        in_layers = sum(layer["modelled_ms"] for layer in data["layers"])
        in_timeline = sum(span["duration_us"] for span in data["timeline"] if span["track"] != "transition") / 1000
        assert in_timeline > 0 and abs(in_layers - in_timeline) <= 0.02 * in_timeline, (in_layers, in_timeline)
        assert data["accuracy"] == [{"measure": "top1", "value": "99.00", "reference": "98.50"}]
        browser_test = pathlib.Path(__file__).with_name("browser_test.py")
        sys.exit(subprocess.run([sys.executable, browser_test, page]).returncode)


if __name__ == "__main__":
    main()
