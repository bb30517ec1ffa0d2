import type { ReactNode } from 'react'
import Markdown, { type MarkdownToJSX } from 'markdown-to-jsx/react'

const Heading = ({ children }: { children?: ReactNode }) => (
  <p>
    <strong>{children}</strong>
  </p>
)
const Link = ({ href, children }: { href?: string; children?: ReactNode }) => (
  <a href={href} target="_blank" rel="noopener noreferrer nofollow">
    {children}
  </a>
)
// Loading an image would tell its server who reads the feedback, and when.
const Image = ({ alt }: { alt?: string }) => <>{alt}</>

/**
 * The feedback is made by others: HTML in it is shown as text, addresses of scripts are dropped, and its
 * headings are not headings of the page.
 */
const OPTIONS: MarkdownToJSX.Options = {
  forceBlock: true,
  disableParsingRawHTML: true,
  overrides: {
    ...Object.fromEntries(['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((heading) => [heading, Heading])),
    a: Link,
    img: Image
  }
}

export default function MarkdownText({ text }: { text: string }) {
  return <Markdown options={OPTIONS}>{text}</Markdown>
}
