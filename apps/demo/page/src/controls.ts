import type { Action, ScenarioInfo } from '@heddle/demo/serve/protocol.js'
import { byId, create, setAttribute, setText } from './dom.js'
import { Problems } from './problems.js'
import { send } from './send.js'

/** The choice of a scenario, Start, Stop and the pace. */
export class Controls {
  readonly #list = byId('scenarios', HTMLDivElement)
  readonly #summaries = byId('summaries', HTMLDivElement)
  readonly #start = byId('start', HTMLButtonElement)
  readonly #stop = byId('stop', HTMLButtonElement)
  readonly #pace = byId('pace', HTMLInputElement)
  readonly #paceText = byId('pace-text', HTMLOutputElement)
  readonly #problems = new Problems(byId('problems', HTMLDivElement), byId('main', HTMLElement))
  readonly #form = byId('controls', HTMLFormElement)
  #known = ''
  #running: string | undefined
  /** The pace that was asked for last; undefined: the server has it. */
  #asked: number | undefined
  #isSending = false

  constructor() {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      const scenario = this.#chosen
      if (scenario !== undefined) void this.do({ do: 'start', scenario })
    })
    this.#stop.addEventListener('click', () => {
      if (this.#running !== undefined) void this.do({ do: 'stop' })
    })
    this.#list.addEventListener('change', () => this.#showChosen())
    this.#pace.addEventListener('input', () => {
      this.#asked = this.#pace.valueAsNumber
      this.#showPace()
      void this.#sendPace()
    })
    this.#showPace()
  }

  /** The scenarios that there are. */
  offer(scenarios: readonly ScenarioInfo[]): void {
    const key = JSON.stringify(scenarios)
    if (key === this.#known) return
    this.#known = key
    this.#list.replaceChildren(...scenarios.map(({ name, title }) => choice(name, title)))
    this.#summaries.replaceChildren(...scenarios.map(summaryOf))
    const first = this.#radios()[0]
    if (first) first.checked = true
    this.#showChosen()
  }

  /** How it is at the server: what runs, and how fast. */
  show(running: string | undefined, pace: number): void {
    if (running !== this.#running) {
      this.#running = running
      for (const radio of this.#radios()) {
        if (radio.value === running) radio.checked = true
        radio.parentElement?.classList.toggle('is-running', radio.value === running)
      }
      setAttribute(this.#stop, 'aria-disabled', String(running === undefined))
      this.#showChosen()
    }
    if (this.#asked === undefined && this.#pace.valueAsNumber !== pace) {
      this.#pace.value = String(pace)
      this.#showPace()
    }
  }

  /** Asks the server, and shows why when it refuses. */
  async do(action: Action): Promise<void> {
    this.#problems.clear(action.do)
    const problem = await send(action)
    if (problem !== undefined) this.#problems.show(action.do, problem)
  }

  get #chosen(): string | undefined {
    return this.#radios().find(({ checked }) => checked)?.value
  }

  #radios(): readonly HTMLInputElement[] {
    return [...this.#list.querySelectorAll('input')]
  }

  #showChosen(): void {
    const chosen = this.#chosen
    for (const summary of this.#summaries.children)
      summary.classList.toggle('is-chosen', summary instanceof HTMLElement && summary.dataset.scenario === chosen)
    setText(this.#start, chosen !== undefined && chosen === this.#running ? 'Restart' : 'Start')
  }

  #showPace(): void {
    const text = paceInWords(this.#pace.valueAsNumber)
    setText(this.#paceText, text)
    setAttribute(this.#pace, 'aria-valuetext', text)
  }

  /** One request at a time; of the values that a drag passes over in the meantime only the last one counts. */
  async #sendPace(): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    let sent: number | undefined
    while (this.#asked !== undefined && this.#asked !== sent) {
      sent = this.#asked
      await this.do({ do: 'pace', pace: sent })
    }
    this.#isSending = false
    // The snapshots that are on their way still tell the pace from before.
    setTimeout(() => {
      if (this.#asked === sent) this.#asked = undefined
    }, 500)
  }
}

function choice(name: string, title: string): HTMLElement {
  const radio = create('input', {
    attributes: { type: 'radio', name: 'scenario', value: name, 'aria-describedby': `summary-${name}` },
  })
  return create('label', { class: 'scenario' }, radio, create('span', { text: title }))
}

/** All of them lie in the same place, so that to choose another moves nothing. */
function summaryOf({ name, summary, kill }: ScenarioInfo): HTMLElement {
  const lines = [summary, kill].filter((text) => text !== undefined)
  const element = create(
    'div',
    { class: 'summary', attributes: { id: `summary-${name}` } },
    ...lines.map((text) => create('p', { text })),
  )
  element.dataset.scenario = name
  return element
}

function paceInWords(pace: number): string {
  return pace === 1 ? 'full speed' : `${pace} times slower`
}
