using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;

namespace ActorMlp.Cluster.Wire;

/// <summary>How MessagePack is set: keys that records state, hardened against hostile input, and never a type that the bytes name.</summary>
internal static class WireOptions
{
    /// <summary>
    /// The parts of MessagePack's standard resolver that control messages need. What is left out on purpose: contractless records (a forgotten key shall
    /// fail), <see cref="object"/> and typeless members.
    /// </summary>
    public static MessagePackSerializerOptions Strict { get; } = MessagePackSerializerOptions.Standard
        .WithResolver(CompositeResolver.Create(
            new IMessagePackFormatter[] { new TreeNodeFormatter(), new GradientTotalsFormatter(), new EvaluationTotalsFormatter(), new ToldToKeeperFormatter() },
            new IFormatterResolver[]
            {
                BuiltinResolver.Instance, DynamicEnumResolver.Instance, DynamicGenericResolver.Instance, DynamicObjectResolver.Instance,
            }))
        .WithSecurity(MessagePackSecurity.UntrustedData);
}
