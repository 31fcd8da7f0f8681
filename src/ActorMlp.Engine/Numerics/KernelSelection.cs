using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace ActorMlp.Engine.Numerics;

/// <summary>Which kernels this process computes with: the widest the hardware accelerates, or what ACTORMLP_KERNEL names.</summary>
/// <remarks>The choice changes speed, never a bit of the result; a width that the hardware lacks still runs, slowly.</remarks>
public static class KernelSelection
{
    /// <summary>The environment variable that overrides the choice.</summary>
    public const string Variable = "ACTORMLP_KERNEL";

    private static readonly Lazy<(KernelSet? Kernels, string Reason)> Chosen =
        new(() => Choose(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>The kernels' name: <c>vector512</c>, <c>vector256</c>, <c>vector128</c> or <c>scalar</c>.</summary>
    /// <exception cref="InvalidOperationException">ACTORMLP_KERNEL names no kernels.</exception>
    public static string Name => Current.Name;

    /// <summary>Why these kernels, for the log.</summary>
    public static string Reason => Chosen.Value.Reason;

    /// <summary>What is wrong with ACTORMLP_KERNEL and what is allowed; null where there are kernels.</summary>
    public static string? Problem => Chosen.Value.Kernels is null ? Chosen.Value.Reason : null;

    /// <summary>The kernels in use.</summary>
    internal static KernelSet Current =>
        Chosen.Value.Kernels ?? throw new InvalidOperationException(Chosen.Value.Reason);

    /// <summary>Every set of kernels, widest first.</summary>
    internal static IReadOnlyList<KernelSet> All { get; } =
    [
        new Kernels<Lanes512, Vector512<float>, Vector512<uint>>(),
        new Kernels<Lanes256, Vector256<float>, Vector256<uint>>(),
        new Kernels<Lanes128, Vector128<float>, Vector128<uint>>(),
        new Kernels<LanesScalar, float, uint>(),
    ];

    /// <summary>The kernels that <paramref name="wanted"/> names, or the best where it is empty; no kernels and an error where it names none.</summary>
    internal static (KernelSet? Kernels, string Reason) Choose(string? wanted)
    {
        if (!string.IsNullOrEmpty(wanted))
        {
            KernelSet? named = All.FirstOrDefault(kernels => kernels.Name == wanted);
            return named is null
                ? (null, $"{Variable}={wanted} names no kernels; allowed are {string.Join(", ", All.Select(kernels => kernels.Name))}")
                : (named, $"{Variable} asks for {wanted}");
        }

        // Narrow vectors without fused multiply-add fall back to a call for each element: slower than the scalar kernels.
        bool fused = Fma.IsSupported || AdvSimd.IsSupported;
        bool[] accelerated = [Vector512.IsHardwareAccelerated, Vector256.IsHardwareAccelerated, Vector128.IsHardwareAccelerated && fused, true];
        int best = Array.IndexOf(accelerated, true);
        return (All[best], best == All.Count - 1 ? "no vectors with fused multiply-add in hardware" : "widest vectors that the hardware accelerates");
    }
}
