import { ClusterWorker } from 'poolifier'
import * as functions from './functions.mjs'

export default new ClusterWorker({ ...functions })
