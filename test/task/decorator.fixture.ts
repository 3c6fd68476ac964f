/** Methods that are tasks. Decorators are not erasable: the test compiles this file before it runs it. */
import { Engine, type TaskFuture, task } from 'taps-sdk'

// biome-ignore lint/complexity/noStaticOnlyClass: decorators stand on methods only
export class Texts {
  static prefix = '>'

  @task()
  static shout(text: string): string {
    return `${Texts.prefix}${text.toUpperCase()}!`
  }

  @task({ name: 'texts.quote', priority: 7, labels: ['io'] })
  static async quote(text: string): Promise<string> {
    // biome-ignore lint/complexity/noThisInStatic: a task keeps its `this`, which a test asks for
    return `${this.prefix} ${text}`
  }

  @task()
  static twice(text: string): TaskFuture<string>[] {
    return [engine.submit(Texts.shout, text), engine.submit(Texts.quote, text)]
  }
}

export class Loud extends Texts {
  static override prefix = '!!!'
}

export const engine: Engine = new Engine()
