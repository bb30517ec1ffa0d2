/** Bytes with random access: `read` returns those from `start` to before `end`, which must not exceed `size`. */
export type RandomAccess = { readonly size: number; read: (start: number, end: number) => Promise<Buffer> }
