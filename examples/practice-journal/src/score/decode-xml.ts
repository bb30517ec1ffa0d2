/** Byte order marks, with the encoding that each announces. */
const MARKS: [bytes: number[], encoding: string][] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
  // Without a mark, "<?" or "<s" in UTF-16 shows by its zero byte (XML 1.0, appendix F).
  [[0x3c, 0x00], 'utf-16le'],
  [[0x00, 0x3c], 'utf-16be']
]
const DECLARATION = /^(<\?xml\s[^>]*?encoding\s*=\s*["'])([A-Za-z][\w.-]*)(["'])/

/**
 * The text of an XML file in its own encoding: the one of its byte order mark or of its declaration, else
 * UTF-8. The declaration of the returned text says UTF-8, because it is stored and downloaded in UTF-8.
 *
 * @throws RangeError when the browser does not know the encoding
 * @throws TypeError when the bytes are not valid in it, so that no replacement character gets in
 */
export function decodeXml(bytes: Uint8Array<ArrayBuffer>): string {
  const text = new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes)
  return text.replace(DECLARATION, (declaration, before, encoding, quote) =>
    encoding.toLowerCase() === 'utf-8' ? declaration : `${before}UTF-8${quote}`
  )
}

function encodingOf(bytes: Uint8Array): string {
  const marked = MARKS.find(([mark]) => mark.every((byte, index) => bytes[index] === byte))
  if (marked) return marked[1]
  // Every encoding left has the characters of a declaration where ASCII has them.
  const start = String.fromCharCode(...bytes.subarray(0, 200))
  const declared = DECLARATION.exec(start)?.[2]?.toLowerCase() ?? 'utf-8'
  // Some programs declare UTF-16 and write UTF-8.
  return declared.startsWith('utf-16') ? 'utf-8' : declared
}
