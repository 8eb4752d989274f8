"use strict";
(() => {
  const tools = document.querySelector(".tools");
  if (!tools) return;
  tools.hidden = false;
  const find = document.getElementById("find");
  const found = document.getElementById("found");
  const openAll = document.getElementById("open-all");
  const buttons = [...tools.querySelectorAll("button[data-action]")];
  const groups = [...document.querySelectorAll("#changes details.group")];
  const wanted = new Set();

  const apply = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const asked = words.length > 0 || wanted.size > 0;
    let shown = 0;
    let all = 0;
    for (const group of groups) {
      let inside = 0;
      for (const row of group.querySelectorAll("li[data-find]")) {
        const text = row.dataset.find.toLowerCase();
        const fits = words.every((word) => text.includes(word)) && (!wanted.size || wanted.has(row.dataset.action));
        row.hidden = !fits;
        inside += fits ? 1 : 0;
        all += 1;
      }
      group.hidden = inside === 0;
      if (asked && inside) group.open = true;
      shown += inside;
    }
    found.textContent = asked ? `${shown} of ${all}` : "";
  };

  find.addEventListener("input", apply);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      if (on) wanted.add(button.dataset.action);
      else wanted.delete(button.dataset.action);
      apply();
    });
  }
  openAll.addEventListener("click", () => {
    const open = groups.some((group) => !group.open);
    for (const group of groups) group.open = open;
    openAll.textContent = open ? "Close all" : "Open all";
  });
  window.addEventListener("beforeprint", () => {
    for (const group of document.querySelectorAll("details")) group.open = true;
  });
})();
