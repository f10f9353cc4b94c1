/** The element of the page with this id, which must be there and of this type. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} #${id}`)
  return found
}

interface Given {
  readonly class?: string
  readonly text?: string
  readonly attributes?: Readonly<Record<string, string>>
}

/** A new element. Text goes in as text, never as markup. */
export function create<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  given: Given = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  if (given.class !== undefined) element.className = given.class
  if (given.text !== undefined) element.textContent = given.text
  for (const [name, value] of Object.entries(given.attributes ?? {})) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/** Sets a text only where it differs, so that nothing is laid out, or read out, for no reason. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}

/** Puts texts into the rows of a table's body: the first cell of each is its header. Rows come and go as needed. */
export function fillRows(body: HTMLTableSectionElement, rows: readonly (readonly string[])[]): void {
  while (body.rows.length > rows.length) body.deleteRow(-1)
  rows.forEach((texts, at) => {
    const row = body.rows[at] ?? body.insertRow()
    while (row.cells.length > texts.length) row.deleteCell(-1)
    texts.forEach((text, column) => {
      const cell = row.cells[column] ?? row.appendChild(newCell(column === 0))
      setText(cell, text)
    })
  })
}

/** A table with a caption, a row of headers and an empty body. */
export function createTable(caption: string, headers: readonly string[], className = ''): HTMLTableElement {
  const table = create('table', { class: className }, create('caption', { text: caption }))
  const head = table.createTHead().insertRow()
  for (const text of headers) head.append(create('th', { text, attributes: { scope: 'col' } }))
  table.createTBody()
  return table
}

/** The first body of a table made by {@link createTable}. */
export function bodyOf(table: HTMLTableElement): HTMLTableSectionElement {
  return table.tBodies[0] ?? table.createTBody()
}

function newCell(isHeader: boolean): HTMLTableCellElement {
  return isHeader ? create('th', { attributes: { scope: 'row' } }) : create('td')
}
