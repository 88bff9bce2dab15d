"use strict";

// Sliders. The range input answers the keyboard and screen readers; pointers move it by the view.
for (const figure of document.querySelectorAll(".compare")) {
  const view = figure.querySelector(".view");
  const range = view.querySelector("input");

  const show = (percent) => {
    view.style.setProperty("--split", `${percent}%`);
    range.setAttribute("aria-valuetext", `${Math.round(percent)} % before`);
  };
  const follow = (event) => {
    const { left, width } = view.getBoundingClientRect();
    const percent = Math.min(100, Math.max(0, (100 * (event.clientX - left)) / width));
    range.value = percent;
    show(percent);
  };

  range.addEventListener("input", () => show(range.valueAsNumber));
  view.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    view.setPointerCapture(event.pointerId);
    range.focus({ preventScroll: true });
    // A finger that comes down may want to scroll: it moves the slider when it goes sideways.
    if (event.pointerType !== "touch") follow(event);
  });
  for (const kind of ["pointermove", "pointerup"]) {
    view.addEventListener(kind, (event) => {
      if (view.hasPointerCapture(event.pointerId)) follow(event);
    });
  }
  show(range.valueAsNumber);

  const afters = [...view.querySelectorAll(".after")];
  const label = view.querySelector(".label.right");
  for (const radio of figure.querySelectorAll("input[type=radio]")) {
    radio.addEventListener("change", () => {
      afters.forEach((image, number) => (image.hidden = number !== Number(radio.value)));
      label.textContent = radio.nextElementSibling.textContent;
    });
  }

  figure.querySelector(".numbers")?.addEventListener("change", (event) => {
    view.classList.toggle("numbered", event.target.checked);
  });
}

// Grids: a cell fills the dialog; arrows go to its neighbours.
const dialog = document.querySelector("dialog");
const large = dialog.querySelector("img");
const words = dialog.querySelector("figcaption");
const hold = dialog.querySelector(".hold");
let cell = null;

function enlarge(next) {
  if (!next) return;
  cell = next;
  const image = cell.querySelector("img");
  [large.src, large.alt] = [image.src, image.alt];
  const notes = [...cell.querySelectorAll(".notes span")].map((note) => note.textContent);
  words.textContent = [cell.dataset.label, ...notes].join(" · ");
  hold.hidden = !before();
  hold.setAttribute("aria-pressed", "false");
  dialog.querySelector(".previous").disabled = !neighbour(0, -1);
  dialog.querySelector(".next").disabled = !neighbour(0, 1);
  if (!dialog.open) dialog.showModal();
}

const before = () => cell.closest(".sweep").querySelector(".input img");

function neighbour(down, right) {
  const cells = [...cell.closest("table").querySelectorAll(".cell")];
  if (down === 0) return cells[cells.indexOf(cell) + right];
  const row = cell.closest("tbody").rows[cell.closest("tr").sectionRowIndex + down];
  return row?.cells[cell.closest("td").cellIndex].querySelector(".cell");
}

for (const button of document.querySelectorAll(".cell")) {
  button.addEventListener("click", () => enlarge(button));
}
dialog.querySelector(".previous").addEventListener("click", () => enlarge(neighbour(0, -1)));
dialog.querySelector(".next").addEventListener("click", () => enlarge(neighbour(0, 1)));
dialog.querySelector(".close").addEventListener("click", () => dialog.close());
hold.addEventListener("click", () => {
  const pressed = hold.getAttribute("aria-pressed") !== "true";
  hold.setAttribute("aria-pressed", String(pressed));
  const image = pressed ? before() : cell.querySelector("img");
  [large.src, large.alt] = [image.src, image.alt];
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // the backdrop
});
dialog.addEventListener("close", () => cell?.focus());
dialog.addEventListener("keydown", (event) => {
  const ways = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (!(event.key in ways)) return;
  event.preventDefault();
  enlarge(neighbour(...ways[event.key]));
});

// The theme follows the system until the button says otherwise.
const theme = document.querySelector(".theme");
const dark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
const tell = () => (theme.textContent = isDark() ? "Light" : "Dark");
theme.setAttribute("aria-label", "Switch between light and dark");
theme.hidden = false;
theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  tell();
});
dark.addEventListener("change", tell);
tell();
