"use strict";
/*
 * Without this script the page shows everything. The script hides models, connections
 * and loads, sorts tables, and keeps this state in the fragment of the address:
 *
 *   #at=throughput&models=epoll,poll&connections=64&loads=closed+split
 *   &sort=throughput-1:3:descending&theme=dark
 *
 * Defaults are left out of it. Unknown keys are ignored. If the page has claims, too, it shows
 * either these or the run, by what "at" names; claims.js adds their state in the events
 * viewrecall and viewremember, and reports a change by viewchange.
 */
(() => {
  const controls = document.getElementById("controls");
  const form = controls.querySelector("form");
  const groups = ["models", "connections", "loads"];
  const rules = document.head.appendChild(document.createElement("style"));
  const sorted = new Map();  // id of a table: [column, direction]
  let at = "";

  const boxes = group => [...form.querySelectorAll(`input[name="${group}"]`)];
  const theme = () => form.querySelector('input[name="theme"]:checked').value;

  /* ------------------------------------------------------------------ filters */

  // The elements that belong to a checkbox
  const selector = {
    models: (box, i) => `[data-m="${i}"]`,
    connections: box => `[data-c~="${box.value}"]`,
    loads: (box, i) => `[data-l="${i}"]`,
  };

  function hide() {
    const off = groups.flatMap(group => boxes(group).flatMap((box, i) =>
      box.checked ? [] : [selector[group](box, i)]));
    rules.textContent = off.length ? `${off.join()} { display: none }` : "";
    spanHeads();
    const counts = groups.map(group => {
      const all = boxes(group);
      const on = all.filter(box => box.checked);
      return on.length < all.length ? `${on.length} of ${all.length} ${group}` : "";
    });
    document.getElementById("shown").textContent =
      counts.filter(text => text).join(", ") || "everything";
  }

  // A head of several columns spans those that are visible
  function spanHeads() {
    const off = new Set(boxes("connections").filter(box => !box.checked)
      .map(box => box.value));
    for (const head of document.querySelectorAll("th[data-cs]")) {
      const left = head.dataset.cs.split(" ").filter(n => !off.has(n)).length;
      head.colSpan = left || 1;
      head.hidden = !left;
    }
  }

  /* ------------------------------------------------------------------- sorting */

  function value(row, column) {
    const cell = row.cells[column];
    return "v" in cell.dataset ? Number(cell.dataset.v) : cell.textContent.trim();
  }

  // Missing values come last in both directions
  function compare(a, b, sign) {
    const missing = x => x === "" || x === "\u2013";
    if (missing(a) || missing(b))
      return missing(a) - missing(b);
    if (typeof a !== typeof b)
      return typeof a === "number" ? -1 : 1;
    return sign * (typeof a === "number" ? a - b : a.localeCompare(b));
  }

  function sort(table, column, direction) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const sign = direction === "descending" ? -1 : 1;
    rows.forEach((row, i) => row.place ??= i);
    rows.sort((a, b) => direction ?
      compare(value(a, column), value(b, column), sign) || a.place - b.place :
      a.place - b.place);
    body.append(...rows);
    [...table.tHead.rows[0].cells].forEach((head, i) => {
      if (i === column && direction)
        head.setAttribute("aria-sort", direction);
      else
        head.removeAttribute("aria-sort");
    });
    if (direction)
      sorted.set(table.id, [column, direction]);
    else
      sorted.delete(table.id);
  }

  // Ascending, descending, original order
  function nextDirection(head) {
    return { ascending: "descending", descending: "" }[head.ariaSort ?? ""] ??
      "ascending";
  }

  function makeSortable(table) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        sort(table, column, nextDirection(head));
        remember();
      });
    });
  }

  /* ------------------------------------------------------ state in the address */

  function remember() {
    const state = new URLSearchParams();
    if (at)
      state.set("at", at);
    for (const group of groups) {
      const all = boxes(group);
      const on = all.filter(box => box.checked);
      if (on.length < all.length)
        state.set(group, on.map(box => box.value).join());
    }
    if (sorted.size)
      state.set("sort", [...sorted].map(([id, by]) => [id, ...by].join(":")).join());
    if (theme())
      state.set("theme", theme());
    document.dispatchEvent(new CustomEvent("viewremember", { detail: state }));
    const text = state.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
    history.replaceState(null, "", text ? `#${text}` : location.pathname +
      location.search);
  }

  function recall() {
    const hash = location.hash.slice(1);
    const state = new URLSearchParams(hash.includes("=") ? hash : `at=${hash}`);
    for (const group of groups) {
      const on = state.has(group) ? state.get(group).split(",") : null;
      for (const box of boxes(group))
        box.checked = !on || on.includes(box.value);
    }
    const wanted = form.querySelector(
      `input[name="theme"][value="${CSS.escape(state.get("theme") ?? "")}"]`);
    (wanted ?? form.querySelector('input[name="theme"]')).checked = true;
    recallSorting((state.get("sort") ?? "").split(","));
    document.dispatchEvent(new CustomEvent("viewrecall", { detail: state }));
    apply();
    at = "";
    show("");
    go(state.get("at") ?? "");
  }

  function recallSorting(wanted) {
    for (const id of [...sorted.keys()])
      sort(document.getElementById(id), 0, "");
    for (const one of wanted) {
      const [id, column, direction] = one.split(":");
      const table = document.getElementById(id);
      const known = ["ascending", "descending"].includes(direction);
      if (known && table?.matches("table.data") &&
          table.tHead.rows[0].cells[Number(column)])
        sort(table, Number(column), direction);
    }
  }

  function apply() {
    if (theme())
      document.documentElement.dataset.theme = theme();
    else
      delete document.documentElement.dataset.theme;
    hide();
  }

  // Of a page with a run and claims: shows the one with this part
  function show(id) {
    const part = document.getElementById(id);
    const page = part?.closest("#claims") ? "claims" : "run";
    for (const link of document.querySelectorAll("#views a")) {
      document.documentElement.dataset.page = page;
      link.ariaCurrent = (link.hash === "#claims") === (page === "claims") ? "page" : null;
    }
  }

  // Scrolls to a part of the page and unfolds it
  function go(id) {
    const target = id && document.getElementById(id);
    if (!target)
      return;
    at = id;
    show(id);
    for (let part = target; part; part = part.parentElement)
      if (part.matches("details"))
        part.open = true;
    target.scrollIntoView();
  }

  /* --------------------------------------------------------------------- start */

  document.addEventListener("click", event => {
    const link = event.target.closest('a[href^="#"]');
    if (!link)
      return;
    event.preventDefault();
    go(link.getAttribute("href").slice(1));
    remember();
    const target = document.getElementById(at);
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
  });
  form.addEventListener("change", () => {
    apply();
    remember();
  });
  form.addEventListener("reset", () => setTimeout(() => {
    apply();
    remember();
  }));
  document.addEventListener("viewchange", remember);
  form.addEventListener("submit", event => event.preventDefault());
  addEventListener("hashchange", recall);

  document.querySelectorAll("table.data").forEach(makeSortable);
  for (const part of document.querySelectorAll("details.numbers, details.setting"))
    part.open = false;
  // What can be scrolled can be focused by keyboard
  const reachable = new ResizeObserver(entries => entries.forEach(({ target }) => {
    if (target.scrollWidth > target.clientWidth + 1)
      target.tabIndex = 0;
    else
      target.removeAttribute("tabindex");
  }));
  document.querySelectorAll(".scroll").forEach(part => reachable.observe(part));
  controls.hidden = false;
  recall();
})();
