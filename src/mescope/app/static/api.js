// Talks to the server.  Every error that a person sees has the server's own words.

export class ApiError extends Error {
  constructor(status, body) {
    super(body?.error ?? `the server answered ${status}`);
    this.status = status;
    this.body = body ?? {};
  }
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(`api${path}`, options);
  } catch {
    throw new ApiError(0, { error: "The server does not answer. Is `mescope app` still running?" });
  }
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
  analyze: (id) => post(`${of(id)}/analyze`),
  cancel: (id) => post(`${of(id)}/cancel`),
  marks: (id) => ask(`${of(id)}/marks`),
  judge: (id, event) => post(`${of(id)}/events`, event),
  undo: (id, body) => post(`${of(id)}/undo`, body),
  times: (id, first, last) => ask(`${of(id)}/times?first=${first}&last=${last}`),
  traces: (id, first, last, points, series) =>
    ask(`${of(id)}/traces?first=${first}&last=${last}&points=${points}` +
      (series ? `&series=${encodeURIComponent(series.join(","))}` : "")),
  overlay: (id, n) => ask(`${of(id)}/overlay/${n}`),
  agreement: (a, b) => ask(`/agreement?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`),
  frameUrl: (id, n, width) => `api${of(id)}/frames/${n}.jpg${width ? `?width=${width}` : ""}`,
  thumbnailUrl: (id) => `api${of(id)}/thumbnail.jpg`,
  pairUrl: (id, onset, apex, magnify) => `api${of(id)}/pair?onset=${onset}&apex=${apex}&magnify=${magnify}`,
  exportUrl: (id, format, who) =>
    `api${of(id)}/export?format=${format}${who ? `&who=${encodeURIComponent(who)}` : ""}`,
  importMarks: (id, file, coder) =>
    ask(`${of(id)}/import${coder ? `?coder=${encodeURIComponent(coder)}` : ""}`, {
      method: "POST", headers: { "X-Name": encodeURIComponent(file.name) }, body: file,
    }),
  progress(heard) {
    const source = new EventSource("api/progress");
    source.onmessage = (message) => heard(JSON.parse(message.data));
    return source;
  },
  upload(file, moved) {
    // fetch cannot tell how much was sent, so this one is an XMLHttpRequest
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      request.open("POST", "api/recordings");
      request.setRequestHeader("X-Name", encodeURIComponent(file.name));
      request.upload.onprogress = (e) => moved(e.lengthComputable ? e.loaded / e.total : 0);
      request.onerror = () => failed(new ApiError(0, { error: `${file.name}: the connection broke` }));
      request.onload = () => {
        let body = null;
        try { body = JSON.parse(request.responseText); } catch { /* words are missing */ }
        if (request.status < 300) done(body);
        else failed(new ApiError(request.status, body));
      };
      request.send(file);
    });
  },
};
