"use strict";
(() => {
  // Tables: a click on a head sorts by that column, a second one the other way round.
  const number = (text) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : null);
  const compare = (a, b) => {
    const [x, y] = [number(a), number(b)];
    if (x !== null && y !== null) return x - y;
    if (x !== null || y !== null) return x === null ? 1 : -1;
    return a.localeCompare(b, "en");
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, place) => head.querySelector("button").addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[place].dataset.key;
      const rows = [...table.tBodies[0].rows].sort((a, b) => (up ? 1 : -1) * compare(key(a), key(b)));
      table.tBodies[0].append(...rows);
    }));
  }

  // Sections: all folded or all open; printed they are open; a link opens what it leads to.
  const sections = [...document.querySelectorAll("main > details")];
  const fold = document.getElementById("fold");
  fold.addEventListener("click", () => {
    const open = sections.some((section) => section.open);
    sections.forEach((section) => { section.open = !open; });
    fold.textContent = open ? "Open all sections" : "Fold all sections";
  });
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = sections.filter((section) => !section.open);
    folded.forEach((section) => { section.open = true; });
  });
  window.addEventListener("afterprint", () => folded.forEach((section) => { section.open = false; }));
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const section = target && target.closest("details");
    if (section) { section.open = true; target.scrollIntoView(); }
  };
  window.addEventListener("hashchange", reveal);
  reveal();

  // Curves: what they say at the time that is pointed at.
  const box = document.getElementById("readout");
  const readouts = JSON.parse(document.getElementById("readouts").textContent);
  for (const [name, data] of Object.entries(readouts)) {
    const svg = document.getElementById(`${name}-svg`);
    const axis = svg && document.getElementById(data.axis);
    if (!axis) continue;
    const area = axis.getBBox();
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    line.setAttribute("class", "pointer");
    line.setAttribute("y1", area.y);
    line.setAttribute("y2", area.y + area.height);
    line.style.display = "none";
    svg.append(line);
    const hide = () => { box.hidden = true; line.style.display = "none"; };
    const show = (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const share = (at.x - area.x) / area.width;
      if (share < 0 || share > 1) { hide(); return; }
      const time = data.low + share * (data.high - data.low);
      let near = 0;
      data.times.forEach((t, i) => { if (Math.abs(t - time) < Math.abs(data.times[near] - time)) near = i; });
      const x = area.x + ((data.times[near] - data.low) / (data.high - data.low)) * area.width;
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
      line.style.display = "";
      box.replaceChildren();
      const head = document.createElement("b");
      head.textContent = `At ${data.said[near]}`;
      box.append(head);
      for (const group of data.groups) {
        const row = document.createElement("div");
        row.dir = "auto";
        row.textContent = `${group.name}: ${group.said[near]}`;
        box.append(row);
      }
      box.hidden = false;
      const wide = document.documentElement.clientWidth;
      const left = event.clientX + 14 + box.offsetWidth > wide ? event.clientX - 14 - box.offsetWidth : event.clientX + 14;
      box.style.left = `${Math.max(4, left)}px`;
      box.style.top = `${Math.max(4, event.clientY - box.offsetHeight - 10)}px`;
    };
    svg.addEventListener("pointermove", show);
    svg.addEventListener("pointerdown", show);
    svg.addEventListener("pointerleave", hide);
  }
})();
