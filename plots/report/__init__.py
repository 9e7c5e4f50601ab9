# SPDX-License-Identifier: MIT
"""From the folder of a run to report.html, one file that needs nothing else.

To be read in this order:

  words.py    numbers and settings for people
  stats.py    what blocks can say: interval of a median, A/A band
  run.py      the folder of a run: what is there, and what is wrong with it
  reduce.py   repetitions to cells, where cells.csv is missing or too old
  times.py    histograms: merged, as curves, over time
  facts.py    what this run can tell, and what it cannot
  style.py    plots/style.csv: one look for a model everywhere
  drawing.py  matplotlib to SVG that stands in a page
  charts/     one file for each chart: its numbers, its picture
  versus.py   two runs compared: a page of its own
  page.py     all of it together: report.css and report.js are its look
"""
