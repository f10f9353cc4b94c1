#!/usr/bin/env node
import { runNode } from './node/node-command.js'

process.exitCode = await runNode(process.argv.slice(2), process.env)
