import type { IncomingMessage, ServerResponse } from 'node:http'
import type { IssuerUser } from './oidc-grants.ts'

const COOKIE = 'harmony-helper-user'
const SIGNED_IN = new RegExp(`(?:^|; *)${COOKIE}=([^;]+)`)
// The silent login runs in a frame of another site, so `SameSite` must be `None`, which requires `Secure`.
// Browsers accept `Secure` cookies from loopback addresses over http.
const ATTRIBUTES = 'Path=/; HttpOnly; SameSite=None; Secure'

/** Login hint of the person who signed in last in this browser. */
export function signedInAs(req: IncomingMessage): string | undefined {
  const [, value] = SIGNED_IN.exec(req.headers.cookie ?? '') ?? []
  return value && decodeURIComponent(value)
}

export function rememberSignIn(res: ServerResponse, loginHint: string) {
  res.setHeader('set-cookie', `${COOKIE}=${encodeURIComponent(loginHint)}; ${ATTRIBUTES}`)
}

export function forgetSignIn(res: ServerResponse) {
  res.setHeader('set-cookie', `${COOKIE}=; Max-Age=0; ${ATTRIBUTES}`)
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escape = (text: string) => text.replace(/[&<>"]/g, (character) => ENTITIES[character]!)

function toPerson(url: URL, { name, email }: IssuerUser) {
  const target = new URL(url)
  target.searchParams.set('login_hint', email)
  const person = `<b>${escape(name)}</b> <span>${escape(email)}</span>`
  return `<li><a href="${escape(target.pathname + target.search)}">${person}</a></li>`
}

function toHiddenField([name, value]: [string, string]) {
  return `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`
}

/** Page that repeats the request of `/authorize` with the login hint of the chosen person. */
export function renderSignIn(url: URL, users: IssuerUser[]): string {
  const fields = [...url.searchParams].filter(([name]) => name !== 'login_hint')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in – Harmony Helper on this machine</title>
<style>${STYLE}</style>
<main>
  <h1>Who are you?</h1>
  <p>This is the sign-in page of the local stack. There are no passwords: choose a person.</p>
  <ul>${users.map((user) => toPerson(url, user)).join('')}</ul>
  <form action="/authorize">
    ${fields.map(toHiddenField).join('')}
    <label for="other">Another person</label>
    <div>
      <input id="other" name="login_hint" required placeholder="name or email" autocomplete="off">
      <button>Sign in</button>
    </div>
  </form>
</main>
</html>
`
}

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8d2c6, #4a463f); --accent: light-dark(#7a3b1d, #e0a583) }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1rem/1.5 system-ui, sans-serif;
  background: light-dark(#f7f4ee, #1d1b18); color: light-dark(#2a2620, #ece7de) }
main { box-sizing: border-box; width: min(26rem, 100vw); padding: 2rem; border: 1px solid var(--line);
  border-radius: .75rem; background: light-dark(#fff, #262320) }
h1 { margin: 0 0 .5rem; font: 1.8rem/1.2 Georgia, serif }
p { margin: 0 0 1.25rem }
ul { margin: 0 0 1.5rem; padding: 0; list-style: none; display: grid; gap: .5rem }
a { display: flex; justify-content: space-between; gap: 1rem; padding: .75rem 1rem; border: 1px solid var(--line);
  border-radius: .5rem; color: inherit; text-decoration: none }
a:hover, a:focus-visible { border-color: var(--accent) }
a span { opacity: .75 }
label { display: block; margin-bottom: .25rem }
form div { display: flex; gap: .5rem }
input, button { font: inherit; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .5rem }
#other { flex: 1; min-width: 0; background: transparent; color: inherit }
button { border-color: var(--accent); background: var(--accent); color: light-dark(#fff, #1d1b18) }
`
