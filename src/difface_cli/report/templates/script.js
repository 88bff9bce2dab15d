"use strict";

// Sliders. The range input answers the keyboard and screen readers; pointers move it by the view.
function slider(figure) {
  const view = figure.querySelector(".view");
  const range = view.querySelector("input");
  let finger = null; // where one came down that may want to scroll: it has not gone sideways yet

  const show = (percent) => {
    range.value = percent;
    range.setAttribute("aria-valuetext", `${Math.round(percent)} % before`);
    view.style.setProperty("--split", `${percent}%`);
  };
  const follow = (event) => {
    const { left, width } = view.getBoundingClientRect();
    show(Math.min(100, Math.max(0, (100 * (event.clientX - left)) / width)));
  };

  range.addEventListener("input", () => show(range.valueAsNumber));
  view.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    view.setPointerCapture(event.pointerId);
    if (!view.closest("dialog")) range.focus({ preventScroll: true });
    finger = event.pointerType === "touch" ? event : null;
    if (!finger) follow(event);
  });
  view.addEventListener("pointermove", (event) => {
    if (!view.hasPointerCapture(event.pointerId)) return;
    const upright = ({ clientX: x, clientY: y }) =>
      Math.abs(event.clientX - x) <= Math.abs(event.clientY - y);
    if (finger && upright(finger)) return;
    finger = null;
    follow(event);
  });
  view.addEventListener("pointerup", (event) => {
    if (view.hasPointerCapture(event.pointerId)) follow(event);
  });
  show(range.valueAsNumber);
  return show;
}

for (const figure of document.querySelectorAll("main .compare")) {
  slider(figure);
  const afters = [...figure.querySelectorAll(".after")];
  const label = figure.querySelector(".label.right");
  for (const radio of figure.querySelectorAll("input[type=radio]")) {
    radio.addEventListener("change", () => {
      afters.forEach((image, number) => (image.hidden = number !== Number(radio.value)));
      label.textContent = radio.nextElementSibling.textContent;
    });
  }
  figure.querySelector(".numbers")?.addEventListener("change", (event) => {
    figure.querySelector(".view").classList.toggle("numbered", event.target.checked);
  });
}

// Grids. A cell fills the dialog; arrows go to its neighbours, a slider to what was before.
const dialog = document.querySelector("dialog");
const [previous, hold, next, close] = dialog.querySelectorAll("button");
const split = slider(dialog.querySelector(".compare"));
let cell = null;

function neighbour(down, right) {
  const cells = [...cell.closest(".sweep").querySelectorAll(".cell")];
  if (right) return cells[cells.indexOf(cell) + right];
  const row = cell.closest("tbody")?.rows[cell.closest("tr").sectionRowIndex + down];
  return row?.cells[cell.closest("td").cellIndex].querySelector(".cell");
}

function enlarge(wanted) {
  if (!wanted) return;
  cell = wanted;
  const image = cell.querySelector("img");
  const before = cell.closest(".sweep").querySelector(".front img");
  put(dialog.querySelector(".after"), image);
  put(dialog.querySelector(".before img"), before ?? image);
  const view = dialog.querySelector(".view");
  view.style.setProperty("--ratio", `${image.naturalWidth} / ${image.naturalHeight}`);
  const notes = [...cell.querySelectorAll(".notes span")].map((note) => note.textContent);
  dialog.querySelector("figcaption").textContent = [cell.dataset.label, ...notes].join(" · ");
  dialog.querySelector("code").textContent = cell.dataset.hint;
  previous.disabled = !neighbour(0, -1);
  next.disabled = !neighbour(0, 1);
  hold.hidden = !before || before === image;
  view.classList.toggle("alone", hold.hidden);
  if (!dialog.open) {
    held(false);
    dialog.showModal();
  }
}

function put(shown, image) {
  [shown.src, shown.alt] = [image.src, image.alt];
}

function held(pressed) {
  hold.setAttribute("aria-pressed", String(pressed));
  split(pressed ? 100 : 0);
}

for (const button of document.querySelectorAll(".cell")) {
  button.addEventListener("click", () => enlarge(button));
}
previous.addEventListener("click", () => enlarge(neighbour(0, -1)));
next.addEventListener("click", () => enlarge(neighbour(0, 1)));
hold.addEventListener("click", () => held(hold.getAttribute("aria-pressed") !== "true"));
close.addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // the backdrop
});
dialog.addEventListener("close", () => cell.focus());
document.addEventListener("keydown", (event) => {
  const ways = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (!dialog.open || !(event.key in ways) || event.target.type === "range") return;
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
