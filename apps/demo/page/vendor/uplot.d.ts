/** uPlot as the browser finds it: the server hands out the package's own module under this path. */
import uPlot from 'uplot'

export default uPlot
