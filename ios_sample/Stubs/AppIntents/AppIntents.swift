@_exported import Foundation

public struct LocalizedStringResource: Sendable, ExpressibleByStringInterpolation {
    public init(stringLiteral value: String) {}
}

public struct TypeDisplayRepresentation: Sendable, ExpressibleByStringInterpolation {
    public init(stringLiteral value: String) {}
}

public struct DisplayRepresentation: Sendable {
    public struct Image: Sendable {
        public init(data: Data) {}
    }
    public init(title: LocalizedStringResource, subtitle: LocalizedStringResource? = nil, image: Image? = nil) {}
}

public protocol AppEntity: Identifiable, Sendable where ID: Sendable {
    associatedtype DefaultQuery: EntityQuery where DefaultQuery.Entity == Self
    static var defaultQuery: DefaultQuery { get }
    static var typeDisplayRepresentation: TypeDisplayRepresentation { get }
    var displayRepresentation: DisplayRepresentation { get }
}

public protocol EntityQuery: Sendable {
    associatedtype Entity: AppEntity
    init()
    func entities(for identifiers: [Entity.ID]) async throws -> [Entity]
}

public protocol EntityStringQuery: EntityQuery {
    func entities(matching string: String) async throws -> [Entity]
}

public protocol IntentResult: Sendable {}
public struct EmptyResult: IntentResult {}
extension IntentResult where Self == EmptyResult {
    public static func result() -> EmptyResult { EmptyResult() }
}

public protocol AppIntent: Sendable {
    associatedtype Result: IntentResult
    static var title: LocalizedStringResource { get }
    init()
    func perform() async throws -> Result
}

public protocol OpenIntent: AppIntent {
    associatedtype Value
    var target: Value { get set }
}

@propertyWrapper public struct IntentParameter<Value: Sendable>: Sendable {
    public init(title: LocalizedStringResource) {}
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
}

extension AppIntent {
    public typealias Parameter<Value: Sendable> = IntentParameter<Value>
}

public protocol IntentValueQuery: Sendable {
    associatedtype Input
    associatedtype Value
    init()
    func values(for input: Input) async throws -> [Value]
}
