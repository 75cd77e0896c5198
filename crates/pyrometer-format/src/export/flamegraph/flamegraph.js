// The picture works without this script: it adds zoom, search, the line of details and the use of the whole window's width.
"use strict";
(function () {
  const svg = document.documentElement;
  const frames = document.getElementById("frames");
  const details = document.getElementById("details");
  const matched = document.getElementById("matched");
  const reset = document.getElementById("reset");
  const search = document.getElementById("search");
  if (!frames || !frames.querySelector("g")) {
    if (search) search.disabled = true;
    return;
  }
  // Shares are written in per cent with four digits, so edges that belong together may differ by the last one.
  const SLACK = 0.0004;
  const LETTER = 7.23;
  const PADDING = 4;

  const boxes = Array.from(frames.querySelectorAll("g"), (group) => {
    const rect = group.querySelector("rect");
    const title = group.querySelector("title").textContent;
    return {
      group: group,
      rect: rect,
      text: group.querySelector("text"),
      title: title,
      label: title.split("\n", 1)[0],
      start: parseFloat(rect.getAttribute("x")),
      width: parseFloat(rect.getAttribute("width")),
      row: Number(group.dataset.r),
      y: Number(rect.getAttribute("y")),
    };
  });
  const byGroup = new Map(boxes.map((box) => [box.group, box]));
  let zoomed = boxes[0];

  // Letters of East Asian scripts and pictures take two columns.
  const isWide = (letter) => /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[^\u0000-\uffff]/u.test(letter);
  function fit(label, pixels) {
    const columns = Math.floor((pixels - 2 * PADDING) / LETTER);
    if (columns < 3) return "";
    let used = 0;
    let shown = "";
    for (const letter of label) {
      const width = isWide(letter) ? 2 : 1;
      if (used + width > columns - 1) {
        return shown.length + letter.length === label.length && used + width <= columns ? label : shown + "…";
      }
      used += width;
      shown += letter;
    }
    return shown;
  }

  function place(box, start, width, pixels) {
    box.rect.setAttribute("x", start + "%");
    box.rect.setAttribute("width", width + "%");
    const label = fit(box.label, (width / 100) * pixels);
    if (!box.text) {
      if (!label) return;
      box.text = document.createElementNS("http://www.w3.org/2000/svg", "text");
      box.text.setAttribute("dx", String(PADDING));
      box.text.setAttribute("y", String(box.y + 13));
      box.group.appendChild(box.text);
    }
    box.text.setAttribute("x", start + "%");
    box.text.textContent = label;
  }

  function draw() {
    const pixels = frames.getBoundingClientRect().width || frames.clientWidth || 1180;
    const whole = svg.clientWidth * 0.98 || pixels;
    const left = zoomed.start;
    const right = zoomed.start + zoomed.width;
    for (const box of boxes) {
      const end = box.start + box.width;
      const isCaller = box.row < zoomed.row && box.start <= left + SLACK && end >= right - SLACK;
      const isInside = box.row >= zoomed.row && box.start >= left - SLACK && end <= right + SLACK;
      box.group.classList.toggle("caller", isCaller);
      box.group.classList.toggle("hidden", !isCaller && !isInside);
      if (isCaller) place(box, 0, 100, whole);
      if (isInside) place(box, ((box.start - left) / zoomed.width) * 100, (box.width / zoomed.width) * 100, whole);
    }
    reset.classList.toggle("hidden", zoomed === boxes[0]);
  }

  function zoom(box) {
    zoomed = box;
    draw();
  }

  function find(wanted) {
    let pattern = null;
    search.classList.remove("wrong");
    if (wanted) {
      try {
        pattern = new RegExp(wanted, "i");
      } catch (error) {
        search.classList.add("wrong");
      }
    }
    frames.classList.toggle("searching", pattern !== null);
    const found = [];
    for (const box of boxes) {
      const isMatch = pattern !== null && box.row > 0 && pattern.test(box.label);
      box.group.classList.toggle("match", isMatch);
      if (isMatch) found.push(box);
    }
    // A match inside another one is part of it already: only the outermost are added up.
    found.sort((a, b) => a.start - b.start || b.width - a.width || a.row - b.row);
    let share = 0;
    let end = -1;
    for (const box of found) {
      if (box.start >= end - SLACK) {
        share += box.width;
        end = box.start + box.width;
      }
    }
    matched.textContent = pattern === null ? "" : found.length + (found.length === 1 ? " match, " : " matches, ") + share.toFixed(1) + " %";
  }

  frames.addEventListener("click", (event) => {
    const box = byGroup.get(event.target.closest("#frames g"));
    if (box) zoom(box);
  });
  frames.addEventListener("mouseover", (event) => {
    const box = byGroup.get(event.target.closest("#frames g"));
    details.textContent = box ? box.title.replace(/\n/g, " — ") : "";
  });
  frames.addEventListener("mouseleave", () => {
    details.textContent = "";
  });
  reset.addEventListener("click", () => zoom(boxes[0]));
  search.addEventListener("input", () => find(search.value));
  window.addEventListener("keydown", (event) => {
    if ((event.key === "f" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && event.target !== search)) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape") {
      if (search.value) {
        search.value = "";
        find("");
      } else {
        zoom(boxes[0]);
      }
    }
  });
  window.addEventListener("resize", draw);
  svg.removeAttribute("viewBox");
  svg.setAttribute("width", "100%");
  document.getElementById("find").classList.remove("hidden");
  draw();
})();
