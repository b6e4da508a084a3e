package shop.mobileclip.android

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.RectF
import android.os.Bundle
import android.util.AttributeSet
import android.util.TypedValue
import android.view.MotionEvent
import android.view.View
import android.view.accessibility.AccessibilityNodeInfo
import kotlin.math.abs

/**
 * A picture, and over it the part that is meant: a frame whose sides and corners are dragged, or which is dragged as a whole. A
 * screen reader makes it smaller and larger by scrolling.
 */
public class PartView @JvmOverloads constructor(context: Context, attributes: AttributeSet? = null) :
    View(context, attributes) {
    /** To be shown; null for none yet. */
    public var picture: Bitmap? = null
        set(value) {
            field = value
            invalidate()
        }

    /** In shares of the picture's width and height, 0 to 1, as [PictureReader.read] takes it. */
    public var part: RectF = RectF(0f, 0f, 1f, 1f)
        set(value) {
            field = value
            invalidate()
        }

    private val density = resources.displayMetrics.density
    private val shade = Paint().apply { color = 0x99000000.toInt() }
    private val frame = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        color = accent(context)
        style = Paint.Style.STROKE
        strokeWidth = 3 * density
    }
    private val handle = Paint(Paint.ANTI_ALIAS_FLAG).apply { color = frame.color }

    init {
        val room = (24 * density).toInt() // corners at a picture's edge can be dragged
        if (paddingLeft == 0) setPadding(room, room, room, room)
    }

    private var grip = Grip(0f, 0f, false, false)

    /** Which sides a finger moves: of each pair the one that is near, or neither, which moves all. */
    private class Grip(var x: Float, var y: Float, val horizontal: Boolean?, val vertical: Boolean?)

    /** Where the picture lies. */
    private fun place(): RectF {
        val bitmap = picture ?: return RectF()
        val (wide, high) = (width - paddingLeft - paddingRight) to (height - paddingTop - paddingBottom)
        val scale = minOf(wide.toFloat() / bitmap.width, high.toFloat() / bitmap.height)
        val (left, top) = (width - scale * bitmap.width) / 2 to (height - scale * bitmap.height) / 2
        return RectF(left, top, left + scale * bitmap.width, top + scale * bitmap.height)
    }

    private fun framed(place: RectF) = RectF(
        place.left + part.left * place.width(),
        place.top + part.top * place.height(),
        place.left + part.right * place.width(),
        place.top + part.bottom * place.height(),
    )

    override fun onDraw(canvas: Canvas) {
        val bitmap = picture ?: return
        val place = place()
        val inner = framed(place)
        canvas.drawBitmap(bitmap, null, place, null)
        canvas.save()
        canvas.clipOutRect(inner)
        canvas.drawRect(place, shade)
        canvas.restore()
        canvas.drawRect(inner, frame)
        for (x in listOf(inner.left, inner.right)) {
            for (y in listOf(inner.top, inner.bottom)) canvas.drawCircle(x, y, 10 * density, handle)
        }
    }

    override fun performClick(): Boolean = super.performClick()

    override fun onTouchEvent(event: MotionEvent): Boolean {
        val place = place()
        when (event.actionMasked) {
            MotionEvent.ACTION_DOWN -> grip = gripped(event, framed(place))
            MotionEvent.ACTION_MOVE -> move(event, place)
            MotionEvent.ACTION_UP -> performClick()
        }
        return true
    }

    private fun gripped(event: MotionEvent, inner: RectF): Grip {
        val reach = 32 * density // a finger's
        fun near(at: Float, low: Float, high: Float): Boolean? =
            if (minOf(abs(at - low), abs(at - high)) > reach) null else abs(at - low) < abs(at - high)
        return Grip(event.x, event.y, near(event.x, inner.left, inner.right), near(event.y, inner.top, inner.bottom))
    }

    private fun move(event: MotionEvent, place: RectF) {
        val (x, y) = (event.x - grip.x) / place.width() to (event.y - grip.y) / place.height()
        grip.x = event.x
        grip.y = event.y
        val all = grip.horizontal == null && grip.vertical == null
        val (left, right) = moved(part.left, part.right, x, grip.horizontal, all)
        val (top, bottom) = moved(part.top, part.bottom, y, grip.vertical, all)
        part = RectF(left, top, right, bottom)
    }

    /** Two sides, moved by [by]: they stay within the picture, and a tenth of it apart. */
    private fun moved(low: Float, high: Float, by: Float, isLow: Boolean?, all: Boolean): Pair<Float, Float> = when {
        all -> by.coerceIn(-low, 1 - high).let { low + it to high + it }
        isLow == true -> (low + by).coerceIn(0f, high - LEAST) to high
        isLow == false -> low to (high + by).coerceIn(low + LEAST, 1f)
        else -> low to high
    }

    override fun onInitializeAccessibilityNodeInfo(info: AccessibilityNodeInfo) {
        super.onInitializeAccessibilityNodeInfo(info)
        info.addAction(AccessibilityNodeInfo.AccessibilityAction.ACTION_SCROLL_FORWARD)
        info.addAction(AccessibilityNodeInfo.AccessibilityAction.ACTION_SCROLL_BACKWARD)
    }

    override fun performAccessibilityAction(action: Int, arguments: Bundle?): Boolean {
        val by = when (action) {
            AccessibilityNodeInfo.ACTION_SCROLL_FORWARD -> LEAST
            AccessibilityNodeInfo.ACTION_SCROLL_BACKWARD -> -LEAST
            else -> return super.performAccessibilityAction(action, arguments)
        }
        if (by > 0 && minOf(part.width(), part.height()) < 3 * LEAST) return false
        part = RectF(part).apply {
            inset(by, by)
            intersect(0f, 0f, 1f, 1f)
        }
        return true
    }

    public companion object {
        private const val LEAST = 0.1f

        /** That [part] of a [picture]; null for all. */
        @JvmStatic
        public fun cut(picture: Bitmap, part: RectF?): Bitmap {
            if (part == null) return picture
            val (wide, high) = picture.width to picture.height
            val (left, top) = (part.left * wide).toInt().coerceAtMost(wide - 1) to
                (part.top * high).toInt().coerceAtMost(high - 1)
            val (width, height) = (part.width() * wide).toInt() to (part.height() * high).toInt()
            return Bitmap.createBitmap(
                picture,
                left,
                top,
                width.coerceIn(1, wide - left),
                height.coerceIn(1, high - top),
            )
        }

        private fun accent(context: Context): Int = TypedValue().let {
            context.theme.resolveAttribute(android.R.attr.colorAccent, it, true)
            if (it.resourceId != 0) context.getColor(it.resourceId) else it.data
        }
    }
}
