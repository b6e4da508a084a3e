@_exported import Foundation

@MainActor open class UIView: NSObject {
    public init(frame: CGRect) {}
    public required init?(coder: NSCoder) { nil }
    public let layer = CALayer()
    public var bounds: CGRect { .zero }
    open func layoutSubviews() {}
}

open class CALayer {
    public var frame = CGRect.zero
    public init() {}
    public func addSublayer(_ layer: CALayer) {}
}

public final class UIImage: @unchecked Sendable {
    public init?(data: Data) {}
    public init?(contentsOfFile path: String) {}
}

@MainActor public final class UIApplication {
    public nonisolated static let openSettingsURLString = ""
    public nonisolated static let didReceiveMemoryWarningNotification = Notification.Name("")
}

@MainActor public enum UIAccessibility {
    public struct Notification: Sendable { public static let announcement = Notification() }
    public nonisolated static func post(notification: Notification, argument: Any?) {}
}

@MainActor public final class UIDevice {
    public static let current = UIDevice()
    public var model: String { "" }
    public var systemName: String { "" }
    public var systemVersion: String { "" }
}

public final class NSUserActivity: NSObject {
    public var title: String?
    public var userInfo: [AnyHashable: Any]?
    public var isEligibleForSearch = false
}

// What Linux's Foundation lacks

extension URL {
    public static var cachesDirectory: URL { URL(fileURLWithPath: "/") }
    public static var documentsDirectory: URL { URL(fileURLWithPath: "/") }
    public static var applicationSupportDirectory: URL { URL(fileURLWithPath: "/") }
}

public final class NSFileCoordinator: NSObject {
    public struct ReadingOptions: OptionSet, Sendable {
        public let rawValue: UInt
        public init(rawValue: UInt) { self.rawValue = rawValue }
        public static let forUploading = ReadingOptions(rawValue: 8)
    }
    public func coordinate(
        readingItemAt url: URL, options: ReadingOptions = [], error: UnsafeMutablePointer<NSError?>?,
        byAccessor reader: (URL) -> Void
    ) {}
}
