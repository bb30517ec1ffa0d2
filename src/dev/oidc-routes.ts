import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { OAuth2Service } from 'oauth2-mock-server'
import type { IssuerUser } from './oidc-grants.ts'
import type { SigningKeys } from './oidc-keys.ts'
import { forgetSignIn, rememberSignIn, renderSignIn, signedInAs } from './oidc-sign-in.ts'

/** Auth0's paths. */
export const ENDPOINTS = {
  token: '/oauth/token',
  jwks: '/.well-known/jwks.json',
  revoke: '/oauth/revoke',
  endSession: '/oidc/logout'
}

interface Issuer {
  service: OAuth2Service
  keys: SigningKeys
  users: IssuerUser[]
}

/** Answers the key set, sign-in and logout, and leaves all other requests to the service. */
export function routeRequests(issuer: Issuer): RequestListener {
  const route = async (req: IncomingMessage, res: ServerResponse) => {
    const url = new URL(req.url ?? '/', issuer.service.issuer.url)
    if (url.pathname === ENDPOINTS.jwks) return sendKeySet(res, issuer.keys)
    if (url.pathname === '/v2/logout') return logOut(res, url)
    if (url.pathname === '/authorize') return await authorize(issuer, { req, res, url })
    return issuer.service.requestHandler(req, res)
  }
  // A malformed request must not end the development server.
  return (req, res) => route(req, res).catch((error) => res.writeHead(400).end(String(error)))
}

function sendKeySet(res: ServerResponse, keys: SigningKeys) {
  res.setHeader('access-control-allow-origin', '*').setHeader('content-type', 'application/json')
  res.end(JSON.stringify({ keys: keys.published() }))
}

function logOut(res: ServerResponse, url: URL) {
  const location = url.searchParams.get('returnTo')
  forgetSignIn(res)
  if (location === null) return res.end('OK')
  res.writeHead(302, { location }).end()
}

interface Authorization {
  req: IncomingMessage
  res: ServerResponse
  url: URL
}

/** Shows the sign-in page, unless the request names a user or there is only one. */
async function authorize({ service, users }: Issuer, { req, res, url }: Authorization) {
  const { searchParams } = url
  const loginHint = searchParams.get('login_hint')
  if (searchParams.get('response_mode') === 'web_message') {
    return await signInSilently(users, { req, res, url })
  }
  if (loginHint) rememberSignIn(res, loginHint)
  else if (users.length > 1) return res.setHeader('content-type', 'text/html').end(renderSignIn(url, users))
  return service.requestHandler(req, res)
}

/** Answers the hidden frame of a silent login, which waits for a message instead of following a redirect. */
async function signInSilently(users: IssuerUser[], { req, res, url }: Authorization) {
  const { searchParams } = url
  const loginHint = searchParams.get('login_hint') || signedInAs(req)
  if (!loginHint && users.length > 1) return sendMessage(res, loginRequired(searchParams))
  searchParams.delete('response_mode')
  if (loginHint) searchParams.set('login_hint', loginHint)
  const answer = await fetch(url, { redirect: 'manual' })
  const location = answer.headers.get('location')
  if (location === null) return res.writeHead(answer.status).end(await answer.text())
  sendMessage(res, new URL(location))
}

/** The redirect that refuses `prompt=none` because no user has signed in. */
function loginRequired(request: URLSearchParams): URL {
  const location = new URL(request.get('redirect_uri') ?? '')
  location.searchParams.set('error', 'login_required')
  location.searchParams.set('state', request.get('state') ?? '')
  return location
}

/** A page that posts the parameters of the redirect to the window of the app, and only there. */
function sendMessage(res: ServerResponse, { origin, searchParams }: URL) {
  const message = { type: 'authorization_response', response: Object.fromEntries(searchParams) }
  // "<" could end the script element.
  const script = JSON.stringify([message, origin]).replaceAll('<', '\\u003c')
  res.setHeader('content-type', 'text/html')
  res.end(`<!doctype html><script>(window.opener ?? window.parent).postMessage(...${script})</script>`)
}
