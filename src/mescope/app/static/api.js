// Talks to the server.  Every error that a person sees has the server's own words.

export class ApiError extends Error {
  constructor(status, body) {
    super(body?.error ?? `the server answered ${status}`);
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
    throw new ApiError(0, { error: "The server does not answer. Is `mescope app` still running?" });
  }
}

async function ask(path, options = {}, address = `api${path}`) {
  const answer = await reach(address, options);
  const text = answer.status === 204 ? "" : await answer.text();
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    body = { error: `the server answered ${answer.status} without words` };
  }
  if (!answer.ok) throw new ApiError(answer.status, body);
  return body;
}

async function picture(path) {  // as a blob
  const answer = await reach(`api${path}`);
  if (answer.ok) return answer.blob();
  throw new ApiError(answer.status, await answer.json().catch(() => null));
}

const post = (path, body) =>
  ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

const of = (id) => `/recordings/${encodeURIComponent(id)}`;

export const api = {
  project: () => ask("/project"),
  recordings: () => ask("/recordings"),
  recording: (id) => ask(of(id)),
  rescan: () => post("/recordings/rescan"),
  add: (path) => post("/recordings/add", { path }),
  analyze: (id) => post(`${of(id)}/analyze`),
  cancel: (id) => post(`${of(id)}/cancel`),
  marks: (id) => ask(`${of(id)}/marks`),
  judge: (id, event) => post(`${of(id)}/events?brief=true`, event),
  undo: (id, body) => post(`${of(id)}/undo?brief=true`, body),
  faces: (id, wish) => post(`${of(id)}/faces`, wish),
  times: (id, first, last) => ask(`${of(id)}/times?first=${first}&last=${last}`),
  traces: (id, first, last, points, series) =>
    ask(`${of(id)}/traces?first=${first}&last=${last}&points=${points}` +
      (series ? `&series=${encodeURIComponent(series.join(","))}` : "")),
  overlay: (id, n) => ask(`${of(id)}/overlay/${n}`),
  agreement: (a, b) => ask(`/agreement?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`),
  interface: () => ask("", {}, "openapi.json"),
  // pictures: the version in the address lets the browser keep them, but not those of a file that was replaced
  frame: ({ id, version }, n, width) =>
    picture(`${of(id)}/frames/${n}.jpg?version=${version}${width ? `&width=${width}` : ""}`),
  pair: ({ id, version }, onset, apex, magnify) =>
    picture(`${of(id)}/pair?onset=${onset}&apex=${apex}&magnify=${magnify}&version=${version}`),
  thumbnailUrl: ({ id, version }) => `api${of(id)}/thumbnail.jpg?version=${version}`,
  exportUrl: (id, format, who) =>
    `api${of(id)}/export?format=${format}${who ? `&who=${encodeURIComponent(who)}` : ""}`,
  importMarks: (id, file, coder) =>
    ask(`${of(id)}/import${coder ? `?coder=${encodeURIComponent(coder)}` : ""}`, {
      method: "POST", headers: { "X-Name": encodeURIComponent(file.name) }, body: file,
    }),
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
  upload(file, folder, moved) {
    // fetch cannot tell how much was sent, so this one is an XMLHttpRequest
    const request = new XMLHttpRequest();
    const sent = new Promise((done, failed) => {
      request.open("POST", "api/recordings");
      request.setRequestHeader("X-Name", encodeURIComponent(file.name));
      if (folder) request.setRequestHeader("X-Folder", encodeURIComponent(folder));
      request.upload.onprogress = (e) => moved(e.lengthComputable ? e.loaded / e.total : 0);
      request.onerror = () => failed(new ApiError(0, { error: `${file.name}: the connection broke` }));
      request.onabort = () => failed(new ApiError(0, { error: `${file.name} was not sent.` }));
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
