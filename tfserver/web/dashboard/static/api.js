// Changes go to the API as any program would make them; the cookie says who asks, the header that it is a page of ours.

const csrf = () => document.querySelector('meta[name="csrf"]').content;
const MOST_TRIES = 5;

export class Refused extends Error {
  constructor(status, problem, lang) {
    super(problem.detail || problem.title || String(status));
    this.status = status;
    // who does not say it speaks English; undefined is that of the page
    this.lang = (lang ?? "en") === "en" ? "en" : undefined;
    this.errors = problem.errors || [];
  }
}

const pause = (seconds) => new Promise((go) => setTimeout(go, seconds * 1000));

/** Ask the API; gives what it answers (null for nothing), raises Refused, or TypeError when it can't be reached. */
export function ask(method, path, body) {
  return body === undefined ? send(method, path) : send(method, path, JSON.stringify(body), "application/json");
}

/** The same with a file. */
export function upload(method, path, file, media, more = {}) {
  return send(method, path, file, media, more);
}

async function send(method, path, body, media, more = {}) {
  for (let tries = 1; ; tries++) {
    const headers = { "X-CSRF-Token": csrf(), ...more };
    if (media) headers["Content-Type"] = media;
    const answer = await fetch(path, { method, headers, body });
    if (answer.status === 429 && tries < MOST_TRIES && path !== "/api/v1/session") {
      await pause(Number(answer.headers.get("Retry-After")) || 1);
      continue;
    }
    const isJson = (answer.headers.get("Content-Type") || "").includes("json");
    const told = isJson ? await answer.json() : null;
    if (!answer.ok) throw new Refused(answer.status, told || {}, answer.headers.get("Content-Language"));
    return told;
  }
}
