import { problems, type ProblemCode } from '../../../contract/problem.ts'
import { exampleDetails } from './problem-examples.ts'

const escape = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/`([^`]+)`/g, '<code>$1</code>')

const section = ([code, [status, title]]: [string, readonly [number, string]]) => `
<section id="${code}">
<h3>${status} <code>${code}</code></h3>
<p>${escape(title)}. For example: ${escape(exampleDetails[code as ProblemCode])}</p>
</section>`

/** The part of the API page that lists all errors. Each `type` of a problem leads to its section. */
export const errorList = `
<div class="swagger-ui"><div class="wrapper">
<h2 id="errors">Errors</h2>
<p>Every error is <code>application/problem+json</code> (RFC 9457). Branch on its <code>code</code>,
which never changes; <code>detail</code> says what to change, to a person.</p>
${Object.entries(problems).map(section).join('')}
</div></div>`
