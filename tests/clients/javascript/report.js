// What every driver of a client hands back: which methods there are, which were not called, and what was wrong.
'use strict'

const { isDeepStrictEqual, inspect } = require('node:util')

// Collects checks; a failing one is noted and the run goes on, so that one run shows everything.
class Report {
  constructor(client) {
    Object.assign(this, { client, methods: new Set(), called: new Set(), checks: 0, failures: [] })
  }

  equal(what, got, wanted) {
    this.checks += 1
    if (!isDeepStrictEqual(got, wanted)) {
      this.failures.push(`${what}: got ${inspect(got, { depth: 6 })}, wanted ${inspect(wanted, { depth: 6 })}`)
    }
  }

  // `call` must end in the client's registry error with this HTTP status and error code.
  async refused(what, status, code, call) {
    this.checks += 1
    try {
      this.failures.push(`${what}: got ${inspect(await call())}, wanted error ${code}`)
    } catch (error) {
      if (error.status !== status || error.errorCode !== code) {
        this.failures.push(`${what}: got ${error} (status ${error.status}), wanted ${code} with status ${status}`)
      }
    }
  }

  // Runs one part of a scenario; an exception fails that part alone.
  async step(part) {
    try {
      await part()
    } catch (error) {
      this.failures.push(`${part.name}: ${error.stack || error}`)
    }
  }

  print() {
    const uncalled = [...this.methods].filter((name) => !this.called.has(name))
    const { client, checks, failures } = this
    console.log(JSON.stringify({ client, methods: [...this.methods], uncalled, checks, failures }))
  }
}

// `client`, but each method of its class that is called is written down, and what the client remembers is forgotten
// before, so that a second look reaches the server.
function record(client, report) {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(client)).filter((name) => name !== 'constructor')
  for (const name of names.filter((name) => typeof client[name] === 'function')) report.methods.add(name)
  return new Proxy(client, {
    get(target, name) {
      if (!report.methods.has(name)) return target[name]
      return (...given) => {
        report.called.add(name)
        if (!/Cache/.test(name)) target.clearCaches()
        return target[name](...given)
      }
    }
  })
}

module.exports = { Report, record }
