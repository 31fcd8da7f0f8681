using System.Collections;
using System.Collections.Concurrent;
using System.Reflection;
using MessagePack;

namespace ActorMlp.Cluster.Wire;

/// <summary>What the C# types of a message promise and MessagePack does not check: no null where none may be, no undefined enumeration value.</summary>
internal static class WireCompleteness
{
    private static readonly ConcurrentDictionary<Type, Member[]> MembersByType = new();

    /// <exception cref="WireFormatException">A member is null or not defined.</exception>
    public static void Check(object value, string manifest)
    {
        foreach (Member member in MembersByType.GetOrAdd(value.GetType(), FindMembers))
        {
            Check(member.Property.GetValue(value), member.MayBeNull, member.ElementMayBeNull, manifest, member.Property.Name);
        }
    }

    private static void Check(object? value, bool mayBeNull, bool elementMayBeNull, string manifest, string name)
    {
        switch (value)
        {
            case null when !mayBeNull:
                throw new WireFormatException($"message '{manifest}': {name} is missing");
            case null or string:
                break;
            case Enum named when !Enum.IsDefined(named.GetType(), named):
                throw new WireFormatException($"message '{manifest}': {name} has no value {named:D}");
            case IEnumerable elements:
                foreach (object? element in elements)
                {
                    Check(element, elementMayBeNull, elementMayBeNull: false, manifest, name);
                }

                break;
            default:
                Check(value, manifest);
                break;
        }
    }

    private static Member[] FindMembers(Type type)
    {
        // Not safe for several threads, and cheap beside the reflection that it serves: one for each type.
        var context = new NullabilityInfoContext();
        return
        [
            .. from property in type.GetProperties()
               where property.GetCustomAttribute<KeyAttribute>() is not null
               let nullability = context.Create(property)
               let element = nullability.ElementType ?? nullability.GenericTypeArguments.FirstOrDefault()
               select new Member(property, MayBeNull(nullability), element is not null && MayBeNull(element)),
        ];
    }

    private static bool MayBeNull(NullabilityInfo nullability) => nullability.ReadState != NullabilityState.NotNull;

    private sealed record Member(PropertyInfo Property, bool MayBeNull, bool ElementMayBeNull);
}
