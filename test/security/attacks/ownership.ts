import { randomUUID } from 'node:crypto'
import type { InjectOptions } from 'fastify'
import type { ProblemCode } from '../../../src/contract/problem.ts'
import { needsToken, type Route } from '../../helpers/routes.ts'
import type { Attack } from '../helpers/attack.ts'
import type { World } from '../helpers/world.ts'

const HIDDEN: ProblemCode[] = ['session_not_found', 'upload_not_found']
const REFUSED: ProblemCode[] = [...HIDDEN, 'invalid_input', 'route_not_found']

/** Ways to write the id of the victim's session. */
const spellings = (id: string): Array<[name: string, path: string, answers: ProblemCode[]]> => [
  ['by its id', id, HIDDEN],
  ['by its id in upper case', id.toUpperCase(), HIDDEN],
  ['by its id, percent-encoded', id.replace(/./, encodeByte), HIDDEN],
  ['by its id, percent-encoded twice', `%25${id.charCodeAt(0).toString(16)}${id.slice(1)}`, REFUSED],
  ['by its id without hyphens', id.replaceAll('-', ''), REFUSED],
  ['by its id in braces', `%7B${id}%7D`, REFUSED],
  ['by its id as a URN', `urn:uuid:${id}`, REFUSED],
  ['by its id and NUL', `${id}%00`, REFUSED],
  ['by its id and a space', `${id}%20`, REFUSED],
  ['by its id and an extension', `${id}.json`, REFUSED],
  ['by its id and a matrix parameter', `${id};x=1`, REFUSED],
  ['by its id after an encoded path', `x%2F..%2F${id}`, REFUSED],
  ['by two ids', `${randomUUID()},${id}`, REFUSED],
  ['by a pattern', '%25', REFUSED],
  ['by an SQL injection', encodeURIComponent(`${id}' OR '1'='1`), REFUSED]
]

const encodeByte = (character: string) => `%${character.charCodeAt(0).toString(16)}`

/** Attacks on the victim's sessions and account by each route that needs a token. */
export function ownershipAttacks(world: World): Attack[] {
  const routes = world.routes.filter(needsToken).filter(({ method }) => method !== 'OPTIONS')
  const isLast = ({ name }: Route) => Number(name === 'DELETE /api/users/me')
  return routes
    .sort((one, other) => isLast(one) - isLast(other))
    .flatMap((route) =>
      route.url.includes(':id') ? foreignIds(world, route) : foreignAccounts(world, route)
    )
}

function foreignIds(world: World, route: Route): Attack[] {
  const { victim } = world
  const to = requestsTo(world, route)
  const attack = (name: string, answers: ProblemCode[], request: InjectOptions): Attack => ({
    name: `${route.name} of the victim's session ${name}`,
    answers,
    request
  })
  const unknown = randomUUID()
  return [
    ...spellings(victim.session.id).map(([name, path, answers]) => attack(name, answers, to(path))),
    attack('that has an open upload', HIDDEN, to(victim.silent.id)),
    attack('by its id in the query', HIDDEN, to(unknown, { query: `id=${victim.session.id}` })),
    attack(
      'as its owner in the query',
      HIDDEN,
      to(victim.session.id, { query: `user_id=${victim.user.id}` })
    ),
    attack('as its owner in the body', HIDDEN, to(victim.session.id, { body: identityOf(world) })),
    attack('as its owner in headers', HIDDEN, to(victim.session.id, { headers: pretence(world) })),
    attack('by a header for another path', HIDDEN, to(unknown, { headers: rewriting(victim.session.id) })),
    attack('if it exists', HIDDEN, to(victim.session.id, { headers: { 'if-match': '*' } })),
    attack('if it has its tag', HIDDEN, to(victim.session.id, { headers: { 'if-match': victim.etag } })),
    attack('if it was changed', HIDDEN, to(victim.session.id, { headers: { 'if-none-match': victim.etag } })),
    {
      ...attack('and compares the answer with that to an unknown id', HIDDEN, to(victim.session.id)),
      check: async (t, { body }) => t.equal((await world.app.inject(to(unknown))).body, body)
    }
  ]
}

/** Routes without an id, with which an attacker names the victim in any place. */
function foreignAccounts(world: World, route: Route): Attack[] {
  const { victim } = world
  const to = requestsTo(world, route)
  // What the attacker may do in their own account succeeds, there.
  const answers: Attack['answers'] = [
    200,
    201,
    204,
    'not_your_account',
    'invalid_input',
    'user_not_synced',
    'id_reused',
    'unsupported_media_type' // an archive is no JSON
  ]
  const attack = (name: string, request: InjectOptions): Attack => ({
    name: `${route.name} ${name}`,
    answers,
    request
  })
  const query = new URLSearchParams({
    user_id: victim.user.id,
    sub: victim.sub,
    auth0_id: victim.sub,
    id: victim.session.id
  })
  return [
    attack('with the victim in the query', to('', { query: query.toString() })),
    attack('with the victim in headers', to('', { headers: pretence(world) })),
    attack('with the victim in the body', to('', { body: identityOf(world) })),
    attack('with a header for the path of the victim', to('', { headers: rewriting(victim.session.id) })),
    attack("with the tag of the victim's answer", to('', { headers: { 'if-none-match': victim.etag } }))
  ]
}

type More = { query?: string; body?: object; headers?: Record<string, string> }

/** Makes requests of Mallory to a route, with the body of the API document's example. */
function requestsTo({ document, mallory, victim }: World, { method, url }: Route) {
  const operation = document.paths[url.replace(':id', '{id}')]?.[method.toLowerCase()]
  const example = operation?.requestBody?.content['application/json']?.example as object | undefined
  return (id: string, { query = days, body = {}, headers = {} }: More = {}): InjectOptions => ({
    method: method as 'POST',
    url: `${url.replace(':id', id)}?${query}`,
    headers: { ...mallory.headers(), ...headers },
    ...(example && {
      payload: {
        ...example,
        ...named('uploadId', example, victim.upload.uploadId),
        ...named('id', example, victim.session.id),
        ...body
      }
    })
  })
}

/** What `GET /api/stats/days` requires; the other routes ignore it. */
const days = 'from=2026-01-01&to=2026-12-31'

const named = (name: string, example: object, value: string) => (name in example ? { [name]: value } : {})

const identityOf = ({ victim }: World) => ({
  auth0_id: victim.sub,
  sub: victim.sub,
  user_id: victim.user.id,
  userId: victim.user.id,
  owner: victim.sub
})

const pretence = ({ victim }: World) => ({
  'x-user-id': victim.user.id,
  'x-auth0-id': victim.sub,
  'x-forwarded-user': victim.sub,
  'x-remote-user': victim.sub,
  'x-forwarded-for': '127.0.0.1',
  forwarded: 'for=127.0.0.1',
  cookie: `user_id=${victim.user.id}; sub=${victim.sub}`
})

const rewriting = (id: string) => ({
  'x-original-url': `/api/sessions/${id}`,
  'x-rewrite-url': `/api/sessions/${id}`,
  'x-http-method-override': 'GET',
  'x-http-method': 'GET',
  'x-method-override': 'GET'
})
