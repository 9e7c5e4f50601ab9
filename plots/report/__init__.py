# SPDX-License-Identifier: MIT
"""From the folder of a run to report.html, one self-contained file.

Reading order:

  words.py    numbers and settings in words
  run.py      reads the folder of a run
  trace.py    a trace of a few requests: threads, their calls and sleep
  times.py    histograms: merged, as curves
  view.py     what every chart needs of a run
  facts.py    what limits trust in the run
  style.py    plots/style.csv: the look of each model
  drawing.py  matplotlib's SVG for the page
  charts/     one file for each chart: its numbers, its picture
  claims.py   the page of the claims; claims.js filters them
  page.py     the page; report.css and report.js are its look and its controls
  sequence.py, timeline.py
              a trace in words and as a picture, for plots/timeline.py
  versus.py   the page of bin/matrix compare
"""
