import type { LocalServer } from '@heddle/cluster-pool'

export interface Cable extends AsyncDisposable {
  readonly url: string
  readonly held: number
  cut(): void
  breakAll(): void
  mend(): void
}

export function startCable(server: LocalServer): Promise<Cable>
