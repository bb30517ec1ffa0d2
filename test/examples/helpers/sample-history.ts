import { fixture } from '../../helpers/recordings.ts'

export type SampleEntry = {
  id: string
  date: string
  songName: string
  instrument: string
  durationSeconds: number
  xmlContent: string
  audioBase64: string
  analysis?: object
}

const FEEDBACK = `## Rhythm

Mind the **dotted notes** in bar 4: they are a little late.

- Play the last phrase once more, *softly*.
- Leave out the pedal. [More](https://example.com/pedal) or [less](javascript:alert(1)).

<img src=x onerror="alert(1)"> ![a keyboard](https://example.com/keyboard.png)`

const PIECES: [daysAgo: number, hour: number, songName: string, instrument: string, minutes: number][] = [
  [0, 8, 'Ode to Joy', 'Piano', 21],
  [0, 7, 'Hanon, No. 12', 'Piano', 12],
  [1, 18, 'Suite No. 1 in G – Prélude', 'Cello', 38],
  [1, 9, 'Ode to Joy', 'Piano', 15],
  [2, 19, 'Clair de lune', 'Piano', 46],
  [3, 17, 'Gymnopédie No. 1', 'Piano', 24],
  [4, 20, 'Étude Op. 10 No. 3', 'Piano', 33],
  [6, 11, 'Suite No. 1 in G – Sarabande', 'Cello', 52],
  [9, 19, 'Träumerei', 'Piano', 27],
  [12, 18, 'Suite No. 1 in G – Menuet', 'Cello', 64]
]

/** Thirteen days of practice in the existing app's local format, newest first. */
export async function sampleHistory(): Promise<SampleEntry[]> {
  const xmlContent = await readFileText('ode-to-joy.musicxml')
  const audioBase64 = `data:audio/webm;codecs=opus;base64,${(await fixture('recording.webm')).toString('base64')}`
  return PIECES.map(([daysAgo, hour, songName, instrument, minutes], index) => {
    const date = new Date()
    date.setDate(date.getDate() - daysAgo)
    date.setHours(hour, 5 + index * 7, 0, 0)
    return {
      id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      date: new Date(Math.min(date.getTime(), Date.now() - 60_000 * (index + 1))).toISOString(),
      songName,
      instrument,
      durationSeconds: minutes * 60,
      audioBase64,
      xmlContent: songName === 'Ode to Joy' ? xmlContent : '',
      ...(index === 0 && {
        analysis: {
          performace_summary: 'A steady tempo and a singing tone.',
          'coach-feedback': FEEDBACK,
          'marked-up-musicxml': xmlContent.replace('Allegro assai', 'Allegro assai!'),
          scoreAccuracy: 87
        }
      })
    }
  })
}

export function localDocument(history: object[]): string {
  return JSON.stringify({ state: { history, streak: 5 }, version: 0 })
}

async function readFileText(name: string): Promise<string> {
  return (await fixture(name)).toString()
}
