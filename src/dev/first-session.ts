import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const RECORDING = new URL('../../test/fixtures/recording.webm', import.meta.url)

const session = {
  songName: 'Ode to Joy',
  instrument: 'Piano',
  duration: 1260,
  analysis: { summary: 'Steady tempo', feedback: 'Mind the dotted notes in bar 12.', scoreAccuracy: 87 }
}

/** Writes the body of a first save, with a recording, for curl. Returns its path. */
export async function writeFirstSession(dataDir: string): Promise<string> {
  const file = join(dataDir, 'first-session.json')
  const audioBase64 = `data:audio/webm;codecs=opus;base64,${await readFile(RECORDING, 'base64')}`
  await writeFile(file, JSON.stringify({ ...session, audioBase64 }))
  return file
}
