import t, { type Test } from 'tap'
import { startIssuer } from '../../src/dev/oidc-issuer.ts'
import { PEOPLE } from '../../src/dev/people.ts'

const redirectUri = 'http://localhost:5173/callback'
const request = { response_type: 'code', client_id: 'app', redirect_uri: redirectUri, scope: 'openid' }

async function start(t: Test) {
  const { issuer, close } = await startIssuer({ audience: 'https://api.test', users: PEOPLE })
  t.teardown(close)

  const authorize = (query: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`${issuer}authorize?${new URLSearchParams({ ...request, ...query })}`, {
      redirect: 'manual',
      headers
    })
  const follow = (path: string) => fetch(new URL(path, issuer), { redirect: 'manual' })

  async function subjectOf(code: string) {
    const body = new URLSearchParams({ grant_type: 'authorization_code', redirect_uri: redirectUri, code })
    const response = await fetch(`${issuer}oauth/token`, { method: 'POST', body })
    const { access_token: token } = (await response.json()) as { access_token: string }
    return JSON.parse(Buffer.from(`${token.split('.')[1]}`, 'base64url').toString()).sub
  }
  return { issuer, authorize, follow, subjectOf }
}

const codeIn = (text: string) => /code["=:]+([\w-]+)/.exec(text)?.[1] ?? ''

t.test('the sign-in page offers every user, and the choice signs in as that user', async (t) => {
  const { authorize, follow, subjectOf } = await start(t)
  const response = await authorize({ state: 'a"><hr' })
  t.equal(response.status, 200)
  const page = await response.text()
  t.match(page, 'There are no passwords')
  t.notMatch(page, '"><hr', 'parameters are escaped')

  const links = [...page.matchAll(/href="(.+?)"/g)].map(([, path = '']) => path.replaceAll('&amp;', '&'))
  t.equal(links.length, PEOPLE.length)
  for (const [i, { sub }] of PEOPLE.entries()) {
    const location = (await follow(links[i]!)).headers.get('location') ?? ''
    t.equal(new URL(location).searchParams.get('state'), 'a"><hr')
    t.equal(await subjectOf(codeIn(location)), sub)
  }
})

t.test('a silent sign-in returns the user who signed in last in this browser', async (t) => {
  const { issuer, authorize, subjectOf } = await start(t)
  const silent = { response_mode: 'web_message', prompt: 'none' }
  t.match(await (await authorize(silent)).text(), '"error":"login_required"')

  const signedIn = await authorize({ login_hint: 'robert@example.com' })
  const cookie = `${signedIn.headers.get('set-cookie')?.split(';')[0]}`
  t.equal(await subjectOf(codeIn(await (await authorize(silent, { cookie })).text())), 'auth0|robert')

  const signedOut = await fetch(`${issuer}v2/logout`, { headers: { cookie } })
  t.match(signedOut.headers.get('set-cookie'), /=; Max-Age=0/)
})
