// The list of recordings: what there is, what is being analyzed, adding more.

import { api } from "./api.js";
import { clock, count, make, put, say } from "./dom.js";

export async function showRecordings(main) {
  const list = make("ul", { class: "recordings", "aria-label": "Recordings" });
  const sending = make("div", { class: "card", hidden: true, role: "status" });
  const faces = make("input", { type: "checkbox", id: "faces" });
  const report = make("a", { class: "button", href: "api/report", download: "report.html", id: "report" }, "Report of all");
  faces.addEventListener("change", () => { report.href = `api/report${faces.checked ? "?pictures=true" : ""}`; });
  main.replaceChildren(
    make("div", { class: "row" }, make("h1", {}, "Recordings"), report, make("label", { class: "quiet" }, faces, " with pictures of faces")),
    dropZone(sending, refresh), sending, list);
  const cards = new Map();
  const words = make("li", { class: "card", hidden: true });
  list.append(words);

  async function refresh() {
    let all = [];
    try {
      all = await api.recordings();
      tell(all.length ? "" : "No recordings yet. Drop videos above, or copy them into the project's folder and look again.");
    } catch (error) { return tell(error.message, true); }
    const there = new Set(all.map((recording) => recording.id));
    for (const [id, card] of cards) {
      if (!there.has(id)) { card.element.remove(); cards.delete(id); }
    }
    let before = words;
    for (const recording of all) {
      const card = cards.get(recording.id) ?? new Card(recording, refresh);
      cards.set(recording.id, card);
      card.show(recording);
      if (before.nextSibling !== card.element) before.after(card.element);
      before = card.element;
    }
  }

  function tell(text, wrong = false) {
    words.hidden = !text;
    words.classList.toggle("error", wrong);
    put(words, text);
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

class Card {
  // One recording.  It stays the same element whatever becomes of the recording, so that nobody
  // who is on one of its buttons is thrown off by the progress of an analysis.
  constructor({ id, name }, refresh) {
    this.name = name;
    this.picture = make("div", { class: "blank" });
    this.title = make("a", {}, name);
    this.facts = make("div", { class: "quiet" });
    this.state = make("span", { class: "state" });
    this.found = make("span", {});
    this.error = make("p", { class: "full error", hidden: true });
    this.bar = make("progress", { class: "full", max: "1", "aria-label": `Analysis of ${name}`, hidden: true });
    this.job = make("button", {
      type: "button",
      onclick: async () => {
        try { await this.act(id); } catch (error) { say(error.message); }
        await refresh();
      },
    });
    this.review = make("a", { class: "button", href: `#/r/${id}` }, "Review");
    this.element = make("li", { class: "card recording", "data-id": id },
      this.picture,
      make("div", {}, make("h2", {}, this.title), this.facts, make("div", {}, this.state, " ", this.found)),
      this.error, this.bar, make("div", { class: "row full" }, this.job, this.review));
  }

  show(recording) {
    const key = JSON.stringify(recording);
    if (key === this.key) return;
    this.key = key;
    const { id, state, error, analyzed } = recording;
    const known = recording.frames !== null, running = state === "queued" || state === "analyzing";
    if (known && this.picture.tagName === "DIV") {
      const picture = make("img", { src: api.thumbnailUrl(id), alt: "", loading: "lazy", width: 112, height: 80 });
      this.picture.replaceWith(picture);
      this.picture = picture;
    }
    if (known) this.title.href = `#/r/${id}`;
    put(this.facts, known
      ? `${clock(recording.seconds, 1)} · ${recording.rate.toFixed(2).replace(/\.?0+$/, "")} frames/s · ${recording.width} × ${recording.height}`
      : error ? "" : "being looked at");
    this.state.className = `state ${state.replace(" ", "-")}`;
    put(this.state, state);
    put(this.found, analyzed ? count(recording.detections, "detection") : known ? "not analyzed yet" : "");
    put(this.error, error ?? "");
    this.error.hidden = !error;
    this.bar.hidden = !running;
    this.bar.value = recording.progress ?? 0;
    this.act = running ? api.cancel : api.analyze;
    put(this.job, running ? "Cancel" : state === "failed" ? "Try again" : analyzed ? "Analyze again" : "Analyze");
    this.job.className = running || analyzed ? "" : "main";
    this.job.hidden = !known && !error;
    this.review.hidden = !known;
  }
}
