package shop.mobileclip.search

import java.util.concurrent.CancellationException
import java.util.concurrent.Executor
import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.Semaphore
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicLong

/**
 * A search's scans, on the caller's thread and, beside it, on one of [helper]'s. Where that one comes too late or never, the
 * caller's does all. [isCancelled] is asked on the caller's thread alone.
 */
internal class SharedWork(private val helper: Executor?, private val isCancelled: () -> Boolean) {
    /** Throws CancellationException once the search was cancelled. */
    fun goOn() {
        if (isCancelled()) throw CancellationException("the search was cancelled")
    }

    /** All rows of [tables] by scans that [scan] makes, one for each thread; those that worked are returned. */
    fun <T : Scan> run(tables: CatalogTables, scan: () -> T): List<T> {
        val own = scan()
        if (helper == null || tables.rows / own.blockRows < LEAST_BLOCKS) {
            own.run(0, tables.rows, ::goOn)
            return listOf(own)
        }
        val pieces = Pieces(tables, own.blockRows)
        val beside = Beside { scan().also { pieces.run(it, pieces::goOn) } }
        beside.start(helper)
        try {
            pieces.run(own, ::goOn)
        } catch (error: Throwable) {
            pieces.stop()
            throw error
        } finally {
            beside.join()
        }
        return listOfNotNull(own, beside.result())
    }

    /** Rows in pieces of [size], cut where products end; each goes to the thread that asks first. */
    private class Pieces(private val tables: CatalogTables, private val size: Int) {
        private val next = AtomicLong()

        @Volatile
        private var isStopped = false

        fun stop() {
            isStopped = true
        }

        fun goOn() {
            if (isStopped) throw CancellationException("the search has ended")
        }

        fun run(scan: Scan, onBlock: () -> Unit) {
            while (true) {
                val first = next.getAndAdd(size.toLong())
                if (first >= tables.rows) return
                scan.run(cut(first), cut(first + size), onBlock)
            }
        }

        /** The first row from [row] on where a product begins. */
        private fun cut(row: Long): Int {
            if (row >= tables.rows) return tables.rows
            val owner = tables.owners.get(row.toInt())
            return if (row > 0 && tables.owners.get(row.toInt() - 1) == owner) {
                tables.firstRow(owner + 1)
            } else {
                row.toInt()
            }
        }
    }

    /** Work for another thread. */
    private class Beside<T>(private val work: () -> T) {
        private val caller = Thread.currentThread()
        private val begun = AtomicBoolean()
        private val ended = Semaphore(0)
        private var result: Result<T>? = null // [ended] guards it

        fun start(helper: Executor) {
            try {
                helper.execute(::run)
            } catch (error: RejectedExecutionException) {
                // The helper was shut down.
            }
        }

        /** Waits until the work ends, if it has begun; else it will never begin. */
        fun join() {
            if (!begun.compareAndSet(false, true)) ended.acquireUninterruptibly()
        }

        /** Null where it never began. Throws what the work threw. */
        fun result(): T? = result?.getOrThrow()

        private fun run() {
            if (Thread.currentThread() === caller || !begun.compareAndSet(false, true)) return
            result = runCatching(work)
            ended.release()
        }
    }

    private companion object {
        const val LEAST_BLOCKS = 16 // of 128 KiB: with fewer, waking a thread gains little
    }
}
