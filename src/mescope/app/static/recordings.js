// The list of recordings: what there is, what is being analyzed, adding more.

import { api } from "./api.js";
import { clock, count, make, say } from "./dom.js";

export async function showRecordings(main) {
  const list = make("ul", { class: "recordings", "aria-label": "Recordings" });
  const sending = make("div", { class: "card", hidden: true, role: "status" });
  const faces = make("input", { type: "checkbox", id: "faces" });
  const report = make("a", { class: "button", href: "api/report", download: "report.html", id: "report" }, "Report of all");
  faces.addEventListener("change", () => { report.href = `api/report${faces.checked ? "?pictures=true" : ""}`; });
  main.replaceChildren(
    make("div", { class: "row" }, make("h1", {}, "Recordings"), report, make("label", { class: "quiet" }, faces, " with pictures of faces")),
    dropZone(sending, refresh), sending, list);
  let shown = new Map();

  async function refresh() {
    let all;
    try {
      all = await api.recordings();
    } catch (error) {
      list.replaceChildren(make("li", { class: "card error" }, error.message));
      return;
    }
    if (!all.length) {
      list.replaceChildren(make("li", { class: "card" },
        "No recordings yet. Drop videos above, or copy them into the project's folder and look again."));
      shown = new Map();
      return;
    }
    const next = new Map();
    for (const recording of all) {
      const key = JSON.stringify(recording), old = shown.get(recording.id);
      next.set(recording.id, old?.key === key ? old : { key, item: card(recording, refresh) });
    }
    list.replaceChildren(...[...next.values()].map((one) => one.item));
    shown = next;
  }

  await refresh();
  let waiting = 0;
  const source = api.progress(() => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, 150);
  });
  return () => { source.close(); clearTimeout(waiting); };
}

function dropZone(sending, refresh) {
  const input = make("input", { type: "file", multiple: true, id: "files", "aria-label": "Video files to add" });
  const zone = make("section", { class: "drop", "aria-label": "Add recordings" },
    make("strong", {}, "Drop videos here"), "or choose them:", input,
    make("button", {
      type: "button",
      onclick: async () => {
        try {
          await api.rescan();
          say("Looked for new files in the folder.");
          await refresh();
        } catch (error) { say(error.message); }
      },
    }, "Look in the folder again"));
  input.addEventListener("change", () => send([...input.files], sending, refresh).then(() => { input.value = ""; }));
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    send([...event.dataTransfer.files], sending, refresh);
  });
  return zone;
}

async function send(files, box, refresh) {
  for (const file of files) {
    const bar = make("progress", { max: "1", value: "0", "aria-label": `Sending ${file.name}` });
    box.hidden = false;
    box.replaceChildren(`Sending ${file.name}`, bar);
    try {
      await api.upload(file, (share) => { bar.value = share; });
      say(`${file.name} is in the project.`);
    } catch (error) { say(error.message, 12); }
    await refresh();
  }
  box.hidden = true;
}

function card(recording, refresh) {
  const running = recording.state === "queued" || recording.state === "analyzing";
  const act = (label, what, main = false) =>
    make("button", {
      type: "button", class: main ? "main" : "",
      onclick: async () => {
        try { await what(recording.id); } catch (error) { say(error.message); }
        await refresh();
      },
    }, label);
  const known = recording.frames !== null && recording.frames !== undefined;
  const picture = known
    ? make("img", { src: api.thumbnailUrl(recording.id), alt: "", loading: "lazy", width: 112, height: 80 })
    : make("div", { class: "blank" });
  const facts = known
    ? `${clock(recording.seconds, 1)} · ${recording.rate.toFixed(2).replace(/\.?0+$/, "")} frames/s · ${recording.width} × ${recording.height}`
    : "being looked at";
  const found = recording.analyzed ? count(recording.detections, "detection") : "not analyzed yet";
  return make("li", { class: "card recording", "data-id": recording.id },
    picture,
    make("div", {},
      make("h2", {}, known ? make("a", { href: `#/r/${recording.id}` }, recording.name) : recording.name),
      make("div", { class: "quiet" }, facts),
      make("div", {}, make("span", { class: `state ${recording.state.replace(" ", "-")}` }, recording.state),
        ` ${found}`)),
    recording.error && make("p", { class: "full error" }, recording.error),
    running && make("progress", {
      class: "full", max: "1", value: String(recording.progress ?? 0), "aria-label": `Analysis of ${recording.name}`,
    }),
    make("div", { class: "row full" },
      running ? act("Cancel", api.cancel)
        : known && act(recording.state === "failed" ? "Try again" : recording.analyzed ? "Analyze again" : "Analyze",
          api.analyze, !recording.analyzed),
      known && make("a", { class: "button", href: `#/r/${recording.id}` }, "Review")));
}
