using System.Runtime.Intrinsics;

namespace ActorMlp.Engine.Numerics;

/// <summary>Which kernels this process computes with: the widest vectors that the hardware has, or what <c>ACTORMLP_KERNEL</c> says.</summary>
public static class KernelSelection
{
    /// <summary>The environment variable that overrides the choice.</summary>
    public const string Variable = "ACTORMLP_KERNEL";

    /// <summary>Every kernel by name, best first; each runs on any machine and gives the same bits.</summary>
    internal static IReadOnlyList<Kernels> All { get; } =
    [
        new SimdKernels<Simd512, Vector512<float>>(),
        new SimdKernels<Simd256, Vector256<float>>(),
        new SimdKernels<Simd128, Vector128<float>>(),
        new SimdKernels<SimdScalar, float>(),
    ];

    private static readonly Lazy<(Kernels Kernels, string Reason)> Chosen = new(() => Choose(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>The name of the kernels in use: vector512, vector256, vector128 or scalar.</summary>
    /// <exception cref="ArgumentException"><c>ACTORMLP_KERNEL</c> names no kernel.</exception>
    public static string Name => Chosen.Value.Kernels.Name;

    /// <summary>Why they are in use.</summary>
    public static string Reason => Chosen.Value.Reason;

    internal static Kernels Current => Chosen.Value.Kernels;

    internal static (Kernels Kernels, string Reason) Choose(string? wanted)
    {
        if (!string.IsNullOrEmpty(wanted))
        {
            Kernels named = All.FirstOrDefault(kernels => kernels.Name == wanted) ?? throw new ArgumentException(
                $"{Variable}={wanted}: unknown kernel; allowed: {string.Join(", ", All.Select(kernels => kernels.Name))}");
            return (named, $"{Variable} asks for it");
        }

        return Vector512.IsHardwareAccelerated ? (All[0], "512-bit vectors are the widest that the hardware has")
            : Vector256.IsHardwareAccelerated ? (All[1], "256-bit vectors are the widest that the hardware has")
            : Vector128.IsHardwareAccelerated ? (All[2], "128-bit vectors are the widest that the hardware has")
            : (All[3], "the hardware has no vectors");
    }
}
