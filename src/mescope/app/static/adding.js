// New recordings: files and folders that are dropped or chosen, and what lies in the project's folder.

import { api } from "./api.js";
import { fail, make, put, say } from "./dom.js";
import { t } from "./words.js";

export function adding(project, refresh) {
  const rate = make("input", { id: "rate", type: "number", min: "0.001", max: "100000", step: "any", required: true, size: "6" });
  const sender = new Sender(project, refresh, () => { say(t("adding.pictures_came")); rate.focus(); });
  const chooser = (label, id, more) => {
    const input = make("input", { type: "file", multiple: true, id, class: "away", ...more });
    input.addEventListener("change", () => {
      sender.add([...input.files].map((file) => ({ file, folder: file.webkitRelativePath.split("/").slice(0, -1).join("/") })));
      input.value = "";
    });
    return make("label", { class: "button" }, label, input);
  };
  const look = (label, act) => async (event) => {
    event.preventDefault();
    try {
      const { added, skipped } = await act();
      say(added.length ? t("adding.more", { n: added.length }) : label);
      for (const one of skipped.slice(0, 5)) fail(named(one.name, one.error));
      await refresh();
    } catch (error) { fail(error.message); }
  };
  const path = make("input", { id: "path", autocomplete: "off", placeholder: t("adding.path_like"), required: true });
  const zone = make("section", { class: "drop", "aria-label": t("adding.add_recordings") },
    make("strong", {}, t("adding.drop")),
    chooser(t("adding.choose_videos"), "files", { accept: project.formats.join(",") }),
    chooser(t("adding.choose_folder"), "folder", { webkitdirectory: true }),
    make("button", { type: "button", onclick: look(t("adding.nothing_new"), api.rescan) }, t("adding.look")),
    make("form", { class: "row", onsubmit: look(t("adding.listed"), () => api.add(path.value.trim())) },
      make("label", { for: "path" }, t("adding.by_path")), path, make("button", {}, t("adding.add"))),
    make("form", { class: "row", id: "pictures", onsubmit: look(t("adding.nothing_new"), () => api.makeRecordings(Number(rate.value))) },
      make("label", { for: "rate" }, t("adding.rate")), rate, make("button", {}, t("adding.make"))));
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    sender.add(await dropped(event.dataTransfer));
  });
  return make("div", {}, zone, sender.element);
}

// Says which file an error is about, where it does not say so itself.
const named = (name, text) => (text.includes(name) ? text : `${name}: ${text}`);

class Sender {
  // Sends one file after the other.
  constructor(project, refresh, pictures) {  // pictures(): some have come, and need their rate
    Object.assign(this, { project, refresh, pictures, waiting: [], done: 0, busy: false });
    this.words = make("span", {});
    this.bar = make("progress", { max: "1", value: "0", "aria-label": t("adding.sending") });
    this.element = make("div", { class: "card sending", id: "sending", hidden: true }, this.words, this.bar,
      make("button", { type: "button", onclick: () => { this.waiting = []; this.stop(); } }, t("adding.stop")));
  }

  add(found) {
    const endings = this.project.formats, most = this.project.limits.upload_bytes;
    const drawn = found.filter(({ file, folder }) => folder && this.project.pictures.some((ending) => file.name.toLowerCase().endsWith(ending)));
    const videos = found.filter(({ file }) => endings.some((ending) => file.name.toLowerCase().endsWith(ending)));
    const fitting = videos.filter(({ file }) => file.size <= most);
    const left = found.length - videos.length - drawn.length;
    if (left) fail(t("adding.left_out", { n: left, endings: endings.join(", ") }));
    if (fitting.length < videos.length) fail(t("adding.too_large", { n: videos.length - fitting.length, most: Math.round(most / 1e6) }));
    this.waiting.push(...fitting, ...drawn.map((one) => ({ ...one, picture: true })));
    if (!this.busy) this.run();
  }

  async run() {
    this.busy = true;
    this.element.hidden = false;
    let drawn = false;
    for (this.done = 0; this.waiting.length; this.done++) {
      const { file, folder, picture } = this.waiting.shift();
      drawn ||= picture;
      put(this.words, t("adding.sends", { n: this.done + 1, of: this.done + 1 + this.waiting.length, name: file.name }));
      this.bar.value = 0;
      try {
        const { sent, stop } = api.upload(file, folder, Boolean(picture), (share) => { this.bar.value = share; });
        this.stop = stop;
        await sent;
        if (!picture) say(t("adding.arrived", { name: file.name }));
      } catch (error) { fail(named(file.name, error.message)); }
      if (!picture) await this.refresh();
    }
    this.element.hidden = true;
    this.busy = false;
    if (drawn) this.pictures();
  }
}

async function dropped(transfer) {  // entries must be asked for before anything is awaited
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...transfer.files].map((file) => ({ file, folder: "" }));
  try {
    return entries.length ? (await Promise.all(entries.map((entry) => walk(entry, "")))).flat() : files;
  } catch { return files; }
}

async function walk(entry, folder) {
  if (entry.name.startsWith(".")) return [];
  if (entry.isFile) return [{ file: await new Promise((done, failed) => entry.file(done, failed)), folder }];
  const inside = folder ? `${folder}/${entry.name}` : entry.name, reader = entry.createReader(), inner = [];
  for (;;) {  // a reader gives a hundred at a time
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return (await Promise.all(inner.map((one) => walk(one, inside)))).flat();
    inner.push(...some);
  }
}
