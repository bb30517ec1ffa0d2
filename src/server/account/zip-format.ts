/** Numbers of the ZIP format (APPNOTE.TXT 6.3.10 of PKWARE, sections 4.3 to 4.5). */

/** First four bytes of each record, as a little-endian number. */
export const SIGNATURES = {
  localHeader: 0x04034b50,
  descriptor: 0x08074b50,
  directoryRecord: 0x02014b50,
  end: 0x06054b50,
  zip64End: 0x06064b50,
  zip64Locator: 0x07064b50
}

/** Methods of compression (4.4.5). */
export const [STORED, DEFLATED] = [0, 8]

/** Bits of the flags (4.4.4). */
export const FLAGS = {
  /** Encrypted, strongly encrypted, or with a masked directory. */
  encrypted: 0x2041,
  /** CRC and sizes follow the content, in a descriptor. */
  descriptorFollows: 0x0008,
  /** The path is UTF-8. */
  utf8: 0x0800
}

/** These values, and larger ones, need a record of ZIP64 (4.5.3). */
export const [MAX_16, MAX_32] = [0xffff, 0xffffffff]

/** Id of the extra field with sizes of eight bytes (4.5.3). */
export const ZIP64_EXTRA = 1
