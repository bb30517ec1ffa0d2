import { auth0 } from './auth.ts'

/**
 * Tells the server the user's name, picture and time zone, which may have changed since the last login. Call
 * it when the journal opens. A failure is harmless: the server keeps what it knows, and the first save of a
 * new user does the same.
 */
export async function syncUser(signal: AbortSignal) {
  const [token, user] = await Promise.all([auth0!.getTokenSilently(), auth0!.getUser()])
  const { sub, email, name, picture } = user ?? {}
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  await fetch(`${import.meta.env.VITE_API_URL ?? ''}/api/users/sync`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ auth0_id: sub, email, name, picture, timeZone }),
    signal
  })
}
