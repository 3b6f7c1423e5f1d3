// Talks to the server.  Every error that a person sees has the server's own words.

import { t } from "./words.js";

export class ApiError extends Error {
  constructor(status, body) {
    super(body?.error ?? t("api.answered", { status }));
    this.status = status;
    this.body = body ?? {};
  }
}

export const isAway = (error) => error.status === 0;

// A full disk, a lock, a folder that is away: nothing is wrong with what was asked for.
export const passes = (error) => isAway(error) || error.status === 503 || error.status === 507;

async function reach(address, options = {}) {
  try {
    return await fetch(address, options);
  } catch {
    throw new ApiError(0, { error: t("api.away") });
  }
}

export async function ask(path, options = {}, address = `api${path}`) {
  const answer = await reach(address, options);
  const text = answer.status === 204 ? "" : await answer.text();
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    body = { error: t("api.wordless", { status: answer.status }) };
  }
  if (!answer.ok) throw new ApiError(answer.status, body);
  return body;
}

async function picture(path) {  // as a blob
  const answer = await reach(`api${path}`);
  if (answer.ok) return answer.blob();
  throw new ApiError(answer.status, await answer.json().catch(() => null));
}

export const post = (path, body) =>
  ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

const sent = (file) => ({ method: "POST", headers: { "X-Name": encodeURIComponent(file.name) }, body: file });

const of = (id) => `/recordings/${encodeURIComponent(id)}`;

export const query = (values) => `?${new URLSearchParams(values)}`;

export const api = {
  project: () => ask("/project"),
  recordings: () => ask("/recordings"),
  recording: (id) => ask(of(id)),
  rescan: () => post("/recordings/rescan"),
  add: (path) => post("/recordings/add", { path }),
  makeRecordings: (rate) => post("/recordings/pictures", { rate }),
  analyze: (id) => post(`${of(id)}/analyze`),
  cancel: (id) => post(`${of(id)}/cancel`),
  marks: (id) => ask(`${of(id)}/marks/rows`),
  someMarks: (id, ids) => ask(`${of(id)}/marks?ids=${encodeURIComponent(ids.join(","))}`),
  judge: (id, event) => post(`${of(id)}/events?brief=true`, event),
  undo: (id, body) => post(`${of(id)}/undo?brief=true`, body),
  faces: (id, wish) => post(`${of(id)}/faces`, wish),
  times: (id, first, last) => ask(`${of(id)}/times?first=${first}&last=${last}`),
  traces: (id, first, last, points, series) =>
    ask(`${of(id)}/traces?first=${first}&last=${last}&points=${points}` +
      (series ? `&series=${encodeURIComponent(series.join(","))}` : "")),
  codes: (id) => ask(`${of(id)}/codes`),
  templates: () => ask("/scheme/templates"),
  setScheme: (scheme, version) =>  // version: of the scheme that this one was made from
    ask("/scheme", { method: "PUT", headers: { "Content-Type": "application/json", "If-Match": `"${version}"` }, body: scheme }),
  schemeUrl: "api/scheme",
  overlay: (id, n) => ask(`${of(id)}/overlay/${n}`),
  interface: () => ask("", {}, "openapi.json"),
  // pictures: the version in the address lets the browser keep them, but not those of a file that was replaced
  frame: ({ id, version }, n, width) =>
    picture(`${of(id)}/frames/${n}.jpg?version=${version}${width ? `&width=${width}` : ""}`),
  pair: ({ id, version }, onset, apex, magnify) =>
    picture(`${of(id)}/pair?onset=${onset}&apex=${apex}&magnify=${magnify}&version=${version}`),
  view: ({ id, version }, n, { onset, kind, factor }) =>
    picture(`${of(id)}/view/${n}.jpg?onset=${onset}&kind=${kind}&factor=${factor}&version=${version}`),
  sound: (id, stream) => ask(`${of(id)}/sound?stream=${stream}`),
  soundPiece: async ({ id, version }, { stream, start, seconds, speed }) =>
    (await picture(`${of(id)}/sound.wav?stream=${stream}&start=${start}&seconds=${seconds}&speed=${speed}&version=${version}`)).arrayBuffer(),
  loudness: (id, first, last, points, stream) =>
    ask(`${of(id)}/loudness?first=${first}&last=${last}&points=${points}&stream=${stream}`),
  thumbnailUrl: ({ id, version }) => `api${of(id)}/thumbnail.jpg?version=${version}`,
  exportUrl: (id, format, who) =>
    `api${of(id)}/export?format=${format}${who ? `&who=${encodeURIComponent(who)}` : ""}`,
  importMarks: (id, file, unnamed, mapped = false) =>  // unnamed: whose they are where the file names nobody
    ask(`${of(id)}/import${query({ ...(unnamed && { unnamed }), ...(mapped && { mapped }) })}`, sent(file)),
  look: (id, file, table = null) =>
    ask(`${of(id)}/look${table ? query({ table: JSON.stringify(table) }) : ""}`, sent(file)),
  remember: (mapping) => post("/mapping", mapping),
  tiers: (id) => ask(`${of(id)}/tiers`),
  removeTier: (id, { name, coder, participant }) =>
    ask(`${of(id)}/tiers${query({ name, coder, participant })}`, { method: "DELETE" }),
  progress(heard, missed) {
    // news, until close(); missed(): the connection broke and is back, so ask for everything again
    let source, timer, lost = false;
    const connect = () => {
      source = new EventSource("api/progress");
      source.onmessage = (message) => heard(JSON.parse(message.data));
      const trouble = (detail) => dispatchEvent(new CustomEvent("trouble", { detail }));
      source.addEventListener("trouble", (message) => trouble(JSON.parse(message.data).trouble));
      source.onopen = () => { if (lost) { trouble(null); missed(); } lost = false; };
      source.onerror = () => {
        lost = true;
        if (source.readyState === EventSource.CLOSED) timer = setTimeout(connect, 2000);  // it gave up
      };
    };
    connect();
    return { close() { clearTimeout(timer); source.close(); } };
  },
  upload(file, folder, picture, moved) {  // a recording, or a picture of a folder of them
    // fetch cannot tell how much was sent, so this one is an XMLHttpRequest
    const request = new XMLHttpRequest();
    const sent = new Promise((done, failed) => {
      request.open("POST", picture ? "api/pictures" : "api/recordings");
      request.setRequestHeader("X-Name", encodeURIComponent(file.name));
      if (folder) request.setRequestHeader("X-Folder", encodeURIComponent(folder));
      request.upload.onprogress = (e) => moved(e.lengthComputable ? e.loaded / e.total : 0);
      request.onerror = () => failed(new ApiError(0, { error: t("api.broke", { name: file.name }) }));
      request.onabort = () => failed(new ApiError(0, { error: t("api.not_sent", { name: file.name }) }));
      request.onload = () => {
        let body = null;
        try { body = JSON.parse(request.responseText); } catch { /* words are missing */ }
        if (request.status < 300) done(body);
        else failed(new ApiError(request.status, body));
      };
      request.send(file);
    });
    return { sent, stop: () => request.abort() };
  },
};
