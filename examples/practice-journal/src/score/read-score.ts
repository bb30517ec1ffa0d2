import { readScoreFile } from './score-file.ts'

/**
 * The MusicXML in a file, and its title, which is empty when it has none.
 *
 * @throws Error with a message for the user when the file is not MusicXML
 */
export async function readScore(file: File): Promise<{ xml: string; title: string }> {
  const xml = await readScoreFile(file)
  const score = new DOMParser().parseFromString(xml, 'application/xml')
  const isScore = /^score-(partwise|timewise)$/.test(score.documentElement.nodeName)
  if (!isScore || score.querySelector('parsererror')) {
    throw new Error(`${file.name} is not MusicXML, or it is damaged. Export the score again as MusicXML.`)
  }
  const title = score.querySelector('work-title, movement-title')?.textContent
  return { xml, title: (title ?? '').trim().replace(/\s+/g, ' ').slice(0, 300) }
}
