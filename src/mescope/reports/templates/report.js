// Moves the floor: what scores below it is hidden, and counts follow.  Without this script the
// page shows what reaches the usual floor.
"use strict";
(() => {
  const slider = document.getElementById("floor");
  const floorNow = document.getElementById("floor-now"), found = document.getElementById("found");
  const back = document.getElementById("floor-back"), none = document.getElementById("none");
  const where = document.getElementById("where"), heading = document.getElementById("heading");
  const usual = Number(slider.dataset.usual), asMade = [found, where, heading].map((one) => one.textContent);
  const hanging = [...document.querySelectorAll("[data-score]")];
  const cards = hanging.filter((one) => one.matches("article"));
  const lines = [...document.querySelectorAll("line.floor")];

  const words = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  const phrase = (shown) => ["micro", "macro"]
    .map((kind) => [shown.filter((card) => card.dataset.kind === kind).length, kind])
    .filter(([number]) => number)
    .map(([number, kind]) => words(number, `${kind}-expression`)).join(" and ");

  function move() {
    const floor = Number(slider.value), atUsual = Math.abs(floor - usual) < 1e-6;
    for (const one of hanging) {
      // at the usual floor stands what was found, to the last digit
      const off = atUsual ? one.classList.contains("candidate") : Number(one.dataset.score) < floor - 5e-5;
      one.classList.toggle("below", off);
    }
    for (const line of lines) {
      const [zero, top] = [Number(line.dataset.zero), Number(line.dataset.one)];
      const y = zero - Math.min(1, Math.max(0, floor)) * (zero - top);
      line.setAttribute("y1", y);
      line.setAttribute("y2", y);
    }
    const shown = cards.filter((card) => !card.classList.contains("below"));
    floorNow.textContent = floor.toFixed(2);
    slider.setAttribute("aria-valuetext", `${floor.toFixed(2)}, ${words(shown.length, "movement")} shown`);
    found.textContent = atUsual ? asMade[0] : phrase(shown) || "No expressions";
    where.textContent = atUsual ? asMade[1]
      : `with scores of ${floor.toFixed(2)} or more, usually ${usual.toFixed(2)}`;
    heading.textContent = atUsual ? asMade[2] : shown.length ? "What reaches this score" : "Nothing reaches this score";
    back.hidden = atUsual;
    if (none) none.classList.toggle("below", shown.length > 0);
  }

  slider.addEventListener("input", move);
  back.addEventListener("click", () => { slider.value = String(usual); move(); slider.focus(); });
  document.getElementById("sensitivity").hidden = false;
  move();  // a browser may have kept where the slider stood
})();
