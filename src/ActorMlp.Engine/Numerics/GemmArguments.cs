namespace ActorMlp.Engine.Numerics;

/// <summary>
/// C[i, p, j] = Init[i, p, j] + Σ_s A[i, s]·B[s, p, j], for rows i, panels p of 16 columns j, each element one chain of fused
/// multiply-adds over s in ascending order; where <see cref="AddToC"/> is set, that chain's end is added to what C holds (C first).
/// The sum runs over <see cref="Segments"/> segments of <see cref="SegmentLength"/>. Strides are in floats. C may overlap neither A nor B.
/// </summary>
internal unsafe struct GemmArguments
{
    public int Rows;
    public int Panels;
    public int Segments;
    public int SegmentLength;

    public float* A;
    public nint ARow;
    public nint AStep;
    public nint ASegment;

    public float* B;
    public nint BStep;
    public nint BSegment;
    public nint BPanel;

    /// <summary>Where the chains start; null for zero. The same for every row: a bias.</summary>
    public float* Init;

    public float* C;
    public nint CRow;
    public nint CPanel;
    public bool AddToC;

    /// <summary>Whether rows are the outer loop (A is read once, B often) or panels (B once, A often).</summary>
    public bool RowsOuter;
}
