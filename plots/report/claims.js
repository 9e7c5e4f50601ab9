"use strict";
/*
 * The claims: language, filters and search. Their state is in the fragment of the address,
 * which report.js keeps:
 *
 *   #at=claims&lang=ko&verdict=fails&text=001&topic=readiness&q=select+scan
 *
 * Without this script the language can be chosen, and all claims are there.
 */
(() => {
  const form = document.getElementById("claims-controls");
  const rows = [...document.querySelectorAll("#claims-table tbody tr")];
  const keys = ["verdict", "text", "topic", "q"];
  const fields = keys.map(key => form.elements[key]);
  const texts = rows.map(row => row.textContent.toLowerCase());

  const language = () => form.elements.lang.value;

  function fits(row, i) {
    const [verdict, text, topic, q] = fields.map(field => field.value);
    return (!verdict || row.dataset.verdict === verdict) &&
      (!text || row.dataset.text.split(" ").includes(text)) &&
      (!topic || row.dataset.topic === topic) &&
      q.toLowerCase().split(/\s+/).every(word => texts[i].includes(word));
  }

  function apply() {
    rows.forEach((row, i) => row.hidden = !fits(row, i));
    const n = rows.filter(row => !row.hidden).length;
    document.getElementById("claims-shown").textContent = language() === "ko" ?
      `주장 ${rows.length}개 중 ${n}개` : `${n} of ${rows.length} claims`;
    for (const option of form.querySelectorAll("option"))
      option.textContent = option.dataset[language()];
  }

  function changed() {
    apply();
    document.dispatchEvent(new Event("viewchange"));
  }

  document.addEventListener("viewrecall", ({ detail: state }) => {
    keys.forEach((key, i) => {
      fields[i].value = state.get(key) ?? "";
      if (fields[i].selectedIndex === -1)  // no such option
        fields[i].value = "";
    });
    form.elements.lang.value = state.get("lang") === "ko" ? "ko" : "en";
    apply();
  });
  document.addEventListener("viewremember", ({ detail: state }) => {
    keys.forEach((key, i) => fields[i].value && state.set(key, fields[i].value));
    if (language() !== "en")
      state.set("lang", language());
  });

  form.addEventListener("input", changed);
  form.addEventListener("reset", event => {
    event.preventDefault();  // it would reset the language, too
    fields.forEach(field => field.value = "");
    changed();
  });
  form.addEventListener("submit", event => event.preventDefault());
  form.elements.print.addEventListener("click", () => print());
  form.querySelector(".filters").hidden = false;
  for (const part of document.querySelectorAll("#claims details"))
    part.open = false;
})();
