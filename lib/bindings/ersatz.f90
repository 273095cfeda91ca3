! Ersatz from Fortran: opens model files and predicts. Fortran 2018 over the C interface (ersatz.h); docs/fortran.md.
!
! Arrays are Fortran arrays, with a point in each column: x(d) is one point, x(d, q) are q of them, mean(row) and
! mean(row, q) their results, jacobian(d, row) and jacobian(d, row, q) the derivatives. A column of results holds all
! outputs one after the other: output o begins at output_first(o) and has one number per bin, or two (real and imaginary
! part) where it is complex. Numbers of parameters, outputs, axes and bins count from 1.
!
! Errors are handled as in allocate: where `stat` is given it becomes a status (0, or one of the codes below) and
! `errmsg` a sentence about what went wrong; without `stat` the program stops with that sentence.
!
! Emulators are shared by threads; each thread has an ersatz_workspace of its own, with which evaluation allocates
! nothing after the first call, or passes none.
module ersatz
  use, intrinsic :: iso_c_binding, only: c_associated, c_char, c_double, c_f_pointer, c_int, c_int8_t, c_int64_t, &
                                         c_null_char, c_null_ptr, c_ptr, c_size_t
  implicit none
  private

  integer, parameter, public :: ersatz_ok = 0, ersatz_bad_pointer = 1, ersatz_bad_handle = 2, ersatz_bad_size = 3, &
    ersatz_bad_name = 4, ersatz_bad_input = 5, ersatz_bad_file = 6, ersatz_not_available = 7, ersatz_not_compatible = 8, &
    ersatz_not_finite = 9, ersatz_busy = 10, ersatz_no_memory = 11, ersatz_failure = 12
  integer, parameter, public :: ersatz_linear = 0, ersatz_log = 1, ersatz_periodic = 2
  public :: ersatz_version, ersatz_status_text

  !> Scratch memory of one thread; made at its first use.
  type, public :: ersatz_workspace
    private
    type(c_ptr) :: handle = c_null_ptr
  contains
    procedure :: close => workspace_close
    final :: workspace_finalise
  end type ersatz_workspace

  !> A model. Assignment shares it: both are open until each is closed or goes out of scope.
  type, public :: ersatz_emulator
    private
    type(c_ptr) :: handle = c_null_ptr
  contains
    procedure :: open => emulator_open
    procedure :: open_memory => emulator_open_memory
    procedure :: close => emulator_close
    procedure :: is_open => emulator_is_open
    procedure :: restrict => emulator_restrict
    procedure :: check_replacement => emulator_check_replacement

    procedure :: parameter_count, parameter_number, parameter_name, parameter_unit, parameter_bounds, parameter_scale
    procedure :: output_count, output_number, output_name, output_unit, output_axis, output_bins, output_is_complex, &
                 output_first
    procedure :: row_size
    procedure :: axis_count, axis_name, axis_unit, axis_values
    procedure :: has_std, has_jacobian, covariance_rank

    generic :: mean => mean_of_point, mean_of_points
    generic :: mean_and_std => std_of_point, std_of_points
    generic :: mean_and_jacobian => jacobian_of_point, jacobian_of_points
    generic :: domain_score => score_of_point, score_of_points
    procedure :: covariance => emulator_covariance
    procedure :: covariance_factors => emulator_covariance_factors

    generic :: assignment(=) => emulator_assign
    procedure, private :: mean_of_point, mean_of_points, std_of_point, std_of_points, jacobian_of_point, &
                          jacobian_of_points, score_of_point, score_of_points
    procedure, private :: emulator_assign
    final :: emulator_finalise
  end type ersatz_emulator

  ! Results are inout: after a failure they are what they were before.
  interface
    function c_version() bind(c, name='ersatz_version') result(text)
      import :: c_ptr
      type(c_ptr) :: text
    end function
    function c_status_text(status) bind(c, name='ersatz_status_text') result(text)
      import :: c_int, c_ptr
      integer(c_int), value :: status
      type(c_ptr) :: text
    end function
    function c_message() bind(c, name='ersatz_message') result(text)
      import :: c_ptr
      type(c_ptr) :: text
    end function
    function c_strlen(text) bind(c, name='strlen') result(length)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: text
      integer(c_size_t) :: length
    end function

    function c_open(path, emulator) bind(c, name='ersatz_open') result(status)
      import :: c_char, c_int, c_ptr
      character(kind=c_char), intent(in) :: path(*)
      type(c_ptr), intent(inout) :: emulator
      integer(c_int) :: status
    end function
    function c_open_memory(bytes, size, emulator) bind(c, name='ersatz_open_memory') result(status)
      import :: c_int, c_int8_t, c_int64_t, c_ptr
      integer(c_int8_t), intent(in) :: bytes(*)
      integer(c_int64_t), value :: size
      type(c_ptr), intent(inout) :: emulator
      integer(c_int) :: status
    end function
    function c_copy(emulator, copy) bind(c, name='ersatz_copy') result(status)
      import :: c_int, c_ptr
      type(c_ptr), value :: emulator
      type(c_ptr), intent(inout) :: copy
      integer(c_int) :: status
    end function
    function c_restrict(emulator, axis, bins, count, restricted) bind(c, name='ersatz_restrict') result(status)
      import :: c_char, c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: axis(*)
      integer(c_int64_t), intent(in) :: bins(*)
      integer(c_int64_t), value :: count
      type(c_ptr), intent(inout) :: restricted
      integer(c_int) :: status
    end function
    function c_close(emulator) bind(c, name='ersatz_close') result(status)
      import :: c_int, c_ptr
      type(c_ptr), value :: emulator
      integer(c_int) :: status
    end function
    function c_check_replacement(current, replacement) bind(c, name='ersatz_check_replacement') result(status)
      import :: c_int, c_ptr
      type(c_ptr), value :: current, replacement
      integer(c_int) :: status
    end function
    function c_workspace_open(workspace) bind(c, name='ersatz_workspace_open') result(status)
      import :: c_int, c_ptr
      type(c_ptr), intent(inout) :: workspace
      integer(c_int) :: status
    end function
    function c_workspace_close(workspace) bind(c, name='ersatz_workspace_close') result(status)
      import :: c_int, c_ptr
      type(c_ptr), value :: workspace
      integer(c_int) :: status
    end function

    function c_parameter_count(emulator, count) bind(c, name='ersatz_parameter_count') result(status)
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator
      integer(c_int64_t), intent(inout) :: count
      integer(c_int) :: status
    end function
    function c_parameter(emulator, parameter, name, unit, lower, upper, scale) bind(c, name='ersatz_parameter') &
      result(status)
      import :: c_double, c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator
      integer(c_int64_t), value :: parameter
      type(c_ptr), intent(inout) :: name, unit
      real(c_double), intent(inout) :: lower, upper
      integer(c_int), intent(inout) :: scale
      integer(c_int) :: status
    end function
    function c_parameter_number(emulator, name, parameter) bind(c, name='ersatz_parameter_number') result(status)
      import :: c_char, c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int64_t), intent(inout) :: parameter
      integer(c_int) :: status
    end function
    function c_output_count(emulator, count) bind(c, name='ersatz_output_count') result(status)
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator
      integer(c_int64_t), intent(inout) :: count
      integer(c_int) :: status
    end function
    function c_output(emulator, output, name, unit, axis, bins, is_complex, offset) bind(c, name='ersatz_output') &
      result(status)
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator
      integer(c_int64_t), value :: output
      type(c_ptr), intent(inout) :: name, unit
      integer(c_int64_t), intent(inout) :: axis, bins
      integer(c_int), intent(inout) :: is_complex
      integer(c_int64_t), intent(inout) :: offset
      integer(c_int) :: status
    end function
    function c_output_number(emulator, name, output) bind(c, name='ersatz_output_number') result(status)
      import :: c_char, c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int64_t), intent(inout) :: output
      integer(c_int) :: status
    end function
    function c_row_size(emulator, size) bind(c, name='ersatz_row_size') result(status)
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator
      integer(c_int64_t), intent(inout) :: size
      integer(c_int) :: status
    end function
    function c_axis_count(emulator, count) bind(c, name='ersatz_axis_count') result(status)
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator
      integer(c_int64_t), intent(inout) :: count
      integer(c_int) :: status
    end function
    function c_axis(emulator, axis, name, unit, bins) bind(c, name='ersatz_axis') result(status)
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator
      integer(c_int64_t), value :: axis
      type(c_ptr), intent(inout) :: name, unit
      integer(c_int64_t), intent(inout) :: bins
      integer(c_int) :: status
    end function
    function c_axis_values(emulator, axis, values, size) bind(c, name='ersatz_axis_values') result(status)
      import :: c_double, c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator
      integer(c_int64_t), value :: axis
      real(c_double), intent(inout) :: values(*)
      integer(c_int64_t), value :: size
      integer(c_int) :: status
    end function
    function c_has_std(emulator, has) bind(c, name='ersatz_has_std') result(status)
      import :: c_int, c_ptr
      type(c_ptr), value :: emulator
      integer(c_int), intent(inout) :: has
      integer(c_int) :: status
    end function
    function c_has_jacobian(emulator, has) bind(c, name='ersatz_has_jacobian') result(status)
      import :: c_int, c_ptr
      type(c_ptr), value :: emulator
      integer(c_int), intent(inout) :: has
      integer(c_int) :: status
    end function
    function c_covariance_rank(emulator, rank) bind(c, name='ersatz_covariance_rank') result(status)
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator
      integer(c_int64_t), intent(inout) :: rank
      integer(c_int) :: status
    end function

    function c_mean(emulator, workspace, points, x, x_size, mean, mean_size) bind(c, name='ersatz_mean') result(status)
      import :: c_double, c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator, workspace
      integer(c_int64_t), value :: points, x_size, mean_size
      real(c_double), intent(in) :: x(*)
      real(c_double), intent(inout) :: mean(*)
      integer(c_int) :: status
    end function
    function c_mean_and_std(emulator, workspace, points, x, x_size, mean, mean_size, std, std_size) &
      bind(c, name='ersatz_mean_and_std') result(status)
      import :: c_double, c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator, workspace
      integer(c_int64_t), value :: points, x_size, mean_size, std_size
      real(c_double), intent(in) :: x(*)
      real(c_double), intent(inout) :: mean(*), std(*)
      integer(c_int) :: status
    end function
    function c_mean_and_jacobian(emulator, workspace, points, x, x_size, mean, mean_size, jacobian, jacobian_size) &
      bind(c, name='ersatz_mean_and_jacobian') result(status)
      import :: c_double, c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator, workspace
      integer(c_int64_t), value :: points, x_size, mean_size, jacobian_size
      real(c_double), intent(in) :: x(*)
      real(c_double), intent(inout) :: mean(*), jacobian(*)
      integer(c_int) :: status
    end function
    function c_domain_score(emulator, workspace, points, x, x_size, score, score_size) &
      bind(c, name='ersatz_domain_score') result(status)
      import :: c_double, c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator, workspace
      integer(c_int64_t), value :: points, x_size, score_size
      real(c_double), intent(in) :: x(*)
      real(c_double), intent(inout) :: score(*)
      integer(c_int) :: status
    end function
    function c_covariance(emulator, workspace, output, x, x_size, covariance, covariance_size) &
      bind(c, name='ersatz_covariance') result(status)
      import :: c_double, c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator, workspace
      integer(c_int64_t), value :: output, x_size, covariance_size
      real(c_double), intent(in) :: x(*)
      real(c_double), intent(inout) :: covariance(*)
      integer(c_int) :: status
    end function
    function c_covariance_factors(emulator, workspace, x, x_size, factors, factors_size, diagonal, diagonal_size) &
      bind(c, name='ersatz_covariance_factors') result(status)
      import :: c_double, c_int, c_int64_t, c_ptr
      type(c_ptr), value :: emulator, workspace
      integer(c_int64_t), value :: x_size, factors_size, diagonal_size
      real(c_double), intent(in) :: x(*)
      real(c_double), intent(inout) :: factors(*), diagonal(*)
      integer(c_int) :: status
    end function
  end interface

contains

  ! ------------------------------------------------------------------------------------------- errors and texts

  !> A copy of a C string.
  function text_of(pointer) result(text)
    type(c_ptr), intent(in) :: pointer
    character(len=:), allocatable :: text
    character(kind=c_char), pointer :: letters(:)
    integer :: i, length
    if (.not. c_associated(pointer)) then
      text = ''
      return
    end if
    length = int(c_strlen(pointer))
    call c_f_pointer(pointer, letters, [length])
    allocate (character(len=length) :: text)
    do i = 1, length
      text(i:i) = letters(i)
    end do
  end function text_of

  !> What every procedure ends with. `shapes`: what is wrong with the shapes of its arguments, in place of the library's
  !> own message.
  subroutine conclude(status, stat, errmsg, shapes)
    integer(c_int), intent(in) :: status
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=*), intent(in), optional :: shapes
    character(len=:), allocatable :: message
    if (present(stat)) stat = int(status)
    if (status == ersatz_ok) return
    if (present(shapes)) then
      message = shapes
    else
      message = from_one(text_of(c_message()))
    end if
    if (present(errmsg)) errmsg = message
    if (.not. present(stat)) error stop 'ersatz: '//message
  end subroutine conclude

  !> The library counts from 0, its callers here from 1: a message with the numbers that these know.
  function from_one(message) result(text)
    character(len=*), intent(in) :: message
    character(len=:), allocatable :: text
    text = message
    if (index(text, 'point ') == 1) text = raised(text, 'point ')
    if (index(text, ', they count from 0 to ') == 0) return
    text = raised(text, ' number ')
    text = raised(text, ' they count from ')
    text = raised(text, ' to ')
  end function from_one

  !> One more than the first number behind `before`.
  function raised(message, before) result(text)
    character(len=*), intent(in) :: message, before
    character(len=:), allocatable :: text
    character(len=24) :: digits
    integer(c_int64_t) :: number
    integer :: first, behind, status
    text = message
    first = index(message, before)
    if (first == 0) return
    first = first + len(before)
    behind = first + verify(message(first:)//' ', '-0123456789') - 1
    read (message(first:behind - 1), *, iostat=status) number
    if (status /= 0) return
    write (digits, '(i0)') number + 1
    text = message(:first - 1)//trim(digits)//message(behind:)
  end function raised

  !> The library's version, "major.minor.patch".
  function ersatz_version() result(version)
    character(len=:), allocatable :: version
    version = text_of(c_version())
  end function ersatz_version

  !> What a status means in general.
  function ersatz_status_text(status) result(text)
    integer, intent(in) :: status
    character(len=:), allocatable :: text
    text = text_of(c_status_text(int(status, c_int)))
  end function ersatz_status_text

  ! -------------------------------------------------------------------------------------- opening and closing

  !> Opens a model file; trailing blanks of the path do not count. A model that was open before stays if that fails,
  !> and is closed otherwise.
  subroutine emulator_open(self, path, stat, errmsg)
    class(ersatz_emulator), intent(inout) :: self
    character(len=*), intent(in) :: path
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(c_ptr) :: handle
    integer(c_int) :: status
    handle = c_null_ptr
    status = c_open(trim(path)//c_null_char, handle)
    if (status == ersatz_ok) call replace(self, handle)
    call conclude(status, stat, errmsg)
  end subroutine emulator_open

  !> The same from the bytes of a model file.
  subroutine emulator_open_memory(self, bytes, stat, errmsg)
    class(ersatz_emulator), intent(inout) :: self
    integer(c_int8_t), intent(in) :: bytes(:)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(c_ptr) :: handle
    integer(c_int) :: status
    handle = c_null_ptr
    status = c_open_memory(bytes, size(bytes, kind=c_int64_t), handle)
    if (status == ersatz_ok) call replace(self, handle)
    call conclude(status, stat, errmsg)
  end subroutine emulator_open_memory

  subroutine replace(self, handle)
    class(ersatz_emulator), intent(inout) :: self
    type(c_ptr), intent(in) :: handle
    integer(c_int) :: ignored
    ignored = c_close(self%handle)
    self%handle = handle
  end subroutine replace

  !> Closing one that is not open does nothing.
  subroutine emulator_close(self, stat, errmsg)
    class(ersatz_emulator), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer(c_int) :: status
    status = c_close(self%handle)
    self%handle = c_null_ptr
    call conclude(status, stat, errmsg)
  end subroutine emulator_close

  subroutine emulator_finalise(self)
    type(ersatz_emulator), intent(inout) :: self
    call replace(self, c_null_ptr)
  end subroutine emulator_finalise

  function emulator_is_open(self) result(is_open)
    class(ersatz_emulator), intent(in) :: self
    logical :: is_open
    is_open = c_associated(self%handle)
  end function emulator_is_open

  subroutine emulator_assign(self, from)
    class(ersatz_emulator), intent(inout) :: self
    class(ersatz_emulator), intent(in) :: from
    type(c_ptr) :: handle
    integer(c_int) :: status
    handle = c_null_ptr
    status = ersatz_ok
    if (c_associated(from%handle)) status = c_copy(from%handle, handle)
    call replace(self, handle)
    call conclude(status)
  end subroutine emulator_assign

  !> `restricted` becomes the model for these bins of an axis alone, in this order.
  subroutine emulator_restrict(self, axis, bins, restricted, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    character(len=*), intent(in) :: axis
    integer, intent(in) :: bins(:)
    type(ersatz_emulator), intent(inout) :: restricted
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(c_ptr) :: handle
    integer(c_int) :: status
    handle = c_null_ptr
    status = c_restrict(self%handle, trim(axis)//c_null_char, int(bins, c_int64_t) - 1_c_int64_t, &
                        size(bins, kind=c_int64_t), handle)
    if (status == ersatz_ok) call replace(restricted, handle)
    call conclude(status, stat, errmsg)
  end subroutine emulator_restrict

  !> Status 0 where `replacement` may take the place of this one.
  subroutine emulator_check_replacement(self, replacement, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    type(ersatz_emulator), intent(in) :: replacement
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    call conclude(c_check_replacement(self%handle, replacement%handle), stat, errmsg)
  end subroutine emulator_check_replacement

  subroutine workspace_close(self, stat, errmsg)
    class(ersatz_workspace), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer(c_int) :: status
    status = c_workspace_close(self%handle)
    self%handle = c_null_ptr
    call conclude(status, stat, errmsg)
  end subroutine workspace_close

  subroutine workspace_finalise(self)
    type(ersatz_workspace), intent(inout) :: self
    integer(c_int) :: ignored
    ignored = c_workspace_close(self%handle)
    self%handle = c_null_ptr
  end subroutine workspace_finalise

  ! -------------------------------------------------------------------------------------- what is in a model

  function parameter_count(self, stat, errmsg) result(count)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer :: count
    integer(c_int64_t) :: n
    n = 0
    call conclude(c_parameter_count(self%handle, n), stat, errmsg)
    count = int(n)
  end function parameter_count

  !> Which parameter has this name.
  function parameter_number(self, name, stat, errmsg) result(number)
    class(ersatz_emulator), intent(in) :: self
    character(len=*), intent(in) :: name
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer :: number
    integer(c_int64_t) :: n
    n = -1
    call conclude(c_parameter_number(self%handle, trim(name)//c_null_char, n), stat, errmsg)
    number = int(n) + 1
  end function parameter_number

  subroutine parameter_facts(self, number, name, unit, bounds, scale, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    character(len=:), allocatable, intent(out), optional :: name, unit
    real(c_double), intent(out), optional :: bounds(2)
    integer, intent(out), optional :: scale
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(c_ptr) :: name_at, unit_at
    real(c_double) :: lower, upper
    integer(c_int) :: c_scale, status
    name_at = c_null_ptr
    unit_at = c_null_ptr
    lower = 0
    upper = 0
    c_scale = 0
    status = c_parameter(self%handle, int(number, c_int64_t) - 1, name_at, unit_at, lower, upper, c_scale)
    if (present(name)) name = text_of(name_at)
    if (present(unit)) unit = text_of(unit_at)
    if (present(bounds)) bounds = [lower, upper]
    if (present(scale)) scale = int(c_scale)
    call conclude(status, stat, errmsg)
  end subroutine parameter_facts

  function parameter_name(self, number, stat, errmsg) result(name)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: name
    call parameter_facts(self, number, name=name, stat=stat, errmsg=errmsg)
  end function parameter_name

  function parameter_unit(self, number, stat, errmsg) result(unit)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: unit
    call parameter_facts(self, number, unit=unit, stat=stat, errmsg=errmsg)
  end function parameter_unit

  !> Lower and upper bound.
  function parameter_bounds(self, number, stat, errmsg) result(bounds)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    real(c_double) :: bounds(2)
    call parameter_facts(self, number, bounds=bounds, stat=stat, errmsg=errmsg)
  end function parameter_bounds

  !> ersatz_linear, ersatz_log or ersatz_periodic.
  function parameter_scale(self, number, stat, errmsg) result(scale)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer :: scale
    call parameter_facts(self, number, scale=scale, stat=stat, errmsg=errmsg)
  end function parameter_scale

  function output_count(self, stat, errmsg) result(count)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer :: count
    integer(c_int64_t) :: n
    n = 0
    call conclude(c_output_count(self%handle, n), stat, errmsg)
    count = int(n)
  end function output_count

  !> Which output has this name.
  function output_number(self, name, stat, errmsg) result(number)
    class(ersatz_emulator), intent(in) :: self
    character(len=*), intent(in) :: name
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer :: number
    integer(c_int64_t) :: n
    n = -1
    call conclude(c_output_number(self%handle, trim(name)//c_null_char, n), stat, errmsg)
    number = int(n) + 1
  end function output_number

  subroutine output_facts(self, number, name, unit, axis, bins, is_complex, first, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    character(len=:), allocatable, intent(out), optional :: name, unit
    integer, intent(out), optional :: axis, bins, first
    logical, intent(out), optional :: is_complex
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(c_ptr) :: name_at, unit_at
    integer(c_int64_t) :: c_axis_number, c_bins, c_offset
    integer(c_int) :: c_complex, status
    name_at = c_null_ptr
    unit_at = c_null_ptr
    c_axis_number = -1
    c_bins = 0
    c_offset = -1
    c_complex = 0
    status = c_output(self%handle, int(number, c_int64_t) - 1, name_at, unit_at, c_axis_number, c_bins, c_complex, c_offset)
    if (present(name)) name = text_of(name_at)
    if (present(unit)) unit = text_of(unit_at)
    if (present(axis)) axis = int(c_axis_number) + 1
    if (present(bins)) bins = int(c_bins)
    if (present(is_complex)) is_complex = c_complex /= 0
    if (present(first)) first = int(c_offset) + 1
    call conclude(status, stat, errmsg)
  end subroutine output_facts

  function output_name(self, number, stat, errmsg) result(name)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: name
    call output_facts(self, number, name=name, stat=stat, errmsg=errmsg)
  end function output_name

  function output_unit(self, number, stat, errmsg) result(unit)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: unit
    call output_facts(self, number, unit=unit, stat=stat, errmsg=errmsg)
  end function output_unit

  !> The number of its axis.
  function output_axis(self, number, stat, errmsg) result(axis)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer :: axis
    call output_facts(self, number, axis=axis, stat=stat, errmsg=errmsg)
  end function output_axis

  function output_bins(self, number, stat, errmsg) result(bins)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer :: bins
    call output_facts(self, number, bins=bins, stat=stat, errmsg=errmsg)
  end function output_bins

  function output_is_complex(self, number, stat, errmsg) result(is_complex)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical :: is_complex
    call output_facts(self, number, is_complex=is_complex, stat=stat, errmsg=errmsg)
  end function output_is_complex

  !> Where it begins in a column of results.
  function output_first(self, number, stat, errmsg) result(first)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer :: first
    call output_facts(self, number, first=first, stat=stat, errmsg=errmsg)
  end function output_first

  !> The length of a column of results: of all outputs together.
  function row_size(self, stat, errmsg) result(row)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer :: row
    integer(c_int64_t) :: n
    n = 0
    call conclude(c_row_size(self%handle, n), stat, errmsg)
    row = int(n)
  end function row_size

  function axis_count(self, stat, errmsg) result(count)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer :: count
    integer(c_int64_t) :: n
    n = 0
    call conclude(c_axis_count(self%handle, n), stat, errmsg)
    count = int(n)
  end function axis_count

  subroutine axis_facts(self, number, name, unit, bins, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    character(len=:), allocatable, intent(out), optional :: name, unit
    integer(c_int64_t), intent(out), optional :: bins
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(c_ptr) :: name_at, unit_at
    integer(c_int64_t) :: n
    integer(c_int) :: status
    name_at = c_null_ptr
    unit_at = c_null_ptr
    n = 0
    status = c_axis(self%handle, int(number, c_int64_t) - 1, name_at, unit_at, n)
    if (present(name)) name = text_of(name_at)
    if (present(unit)) unit = text_of(unit_at)
    if (present(bins)) bins = n
    call conclude(status, stat, errmsg)
  end subroutine axis_facts

  function axis_name(self, number, stat, errmsg) result(name)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: name
    call axis_facts(self, number, name=name, stat=stat, errmsg=errmsg)
  end function axis_name

  function axis_unit(self, number, stat, errmsg) result(unit)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: unit
    call axis_facts(self, number, unit=unit, stat=stat, errmsg=errmsg)
  end function axis_unit

  !> The coordinates of its bins.
  function axis_values(self, number, stat, errmsg) result(values)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: number
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    real(c_double), allocatable :: values(:)
    integer(c_int64_t) :: bins
    integer :: status
    call axis_facts(self, number, bins=bins, stat=status)
    allocate (values(bins))
    if (status == ersatz_ok) status = int(c_axis_values(self%handle, int(number, c_int64_t) - 1, values, bins))
    call conclude(int(status, c_int), stat, errmsg)
  end function axis_values

  !> Whether there are standard deviations and covariances.
  function has_std(self, stat, errmsg) result(has)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical :: has
    integer(c_int) :: c_has
    c_has = 0
    call conclude(c_has_std(self%handle, c_has), stat, errmsg)
    has = c_has /= 0
  end function has_std

  !> Whether there are derivatives.
  function has_jacobian(self, stat, errmsg) result(has)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical :: has
    integer(c_int) :: c_has
    c_has = 0
    call conclude(c_has_jacobian(self%handle, c_has), stat, errmsg)
    has = c_has /= 0
  end function has_jacobian

  function covariance_rank(self, stat, errmsg) result(rank)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer :: rank
    integer(c_int64_t) :: n
    n = 0
    call conclude(c_covariance_rank(self%handle, n), stat, errmsg)
    rank = int(n)
  end function covariance_rank

  ! ---------------------------------------------------------------------------------------------- evaluation

  !> The C handle of a workspace, made when first asked for; null where there is none.
  function memory_of(workspace) result(handle)
    type(ersatz_workspace), intent(inout), optional :: workspace
    type(c_ptr) :: handle
    handle = c_null_ptr
    if (.not. present(workspace)) return
    if (.not. c_associated(workspace%handle)) then
      if (c_workspace_open(workspace%handle) /= ersatz_ok) return
    end if
    handle = workspace%handle
  end function memory_of

  !> What is wrong with the shape of an array of results; empty: nothing. An emulator that is not open is found later.
  function wrong_shape(self, name, found, points, leading) result(complaint)
    class(ersatz_emulator), intent(in) :: self
    character(len=*), intent(in) :: name
    integer, intent(in) :: found(:)
    integer, intent(in), optional :: points    !< of the last dimension, if it is that of points
    integer, intent(in), optional :: leading   !< of the first, if it is not that of the row
    character(len=:), allocatable :: complaint
    integer :: stat
    integer, allocatable :: expected(:)
    complaint = ''
    allocate (expected(0))
    if (present(leading)) expected = [expected, leading]
    expected = [expected, self%row_size(stat)]
    if (stat /= ersatz_ok) return
    if (present(points)) expected = [expected, points]
    if (any(found /= expected)) complaint = "'"//name//"' has the shape ("//listed(found)//"), expected is ("// &
                                            listed(expected)//')'
  end function wrong_shape

  function listed(numbers) result(list)
    integer, intent(in) :: numbers(:)
    character(len=:), allocatable :: list
    character(len=12) :: digits
    integer :: i
    list = ''
    do i = 1, size(numbers)
      write (digits, '(i0)') numbers(i)
      if (i > 1) list = list//', '
      list = list//trim(digits)
    end do
  end function listed

  subroutine mean_of_point(self, x, mean, workspace, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    real(c_double), intent(in) :: x(:)
    real(c_double), intent(inout) :: mean(:)
    type(ersatz_workspace), intent(inout), optional :: workspace
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    call conclude(c_mean(self%handle, memory_of(workspace), 1_c_int64_t, x, size(x, kind=c_int64_t), mean, &
                         size(mean, kind=c_int64_t)), stat, errmsg)
  end subroutine mean_of_point

  subroutine mean_of_points(self, x, mean, workspace, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    real(c_double), intent(in) :: x(:, :)
    real(c_double), intent(inout) :: mean(:, :)
    type(ersatz_workspace), intent(inout), optional :: workspace
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: complaint
    complaint = wrong_shape(self, 'mean', shape(mean), points=size(x, 2))
    if (complaint /= '') then
      call conclude(int(ersatz_bad_size, c_int), stat, errmsg, complaint)
      return
    end if
    call conclude(c_mean(self%handle, memory_of(workspace), size(x, 2, kind=c_int64_t), x, size(x, kind=c_int64_t), mean, &
                         size(mean, kind=c_int64_t)), stat, errmsg)
  end subroutine mean_of_points

  subroutine std_of_point(self, x, mean, std, workspace, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    real(c_double), intent(in) :: x(:)
    real(c_double), intent(inout) :: mean(:), std(:)
    type(ersatz_workspace), intent(inout), optional :: workspace
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    call conclude(c_mean_and_std(self%handle, memory_of(workspace), 1_c_int64_t, x, size(x, kind=c_int64_t), mean, &
                                 size(mean, kind=c_int64_t), std, size(std, kind=c_int64_t)), stat, errmsg)
  end subroutine std_of_point

  subroutine std_of_points(self, x, mean, std, workspace, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    real(c_double), intent(in) :: x(:, :)
    real(c_double), intent(inout) :: mean(:, :), std(:, :)
    type(ersatz_workspace), intent(inout), optional :: workspace
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: complaint
    complaint = wrong_shape(self, 'mean', shape(mean), points=size(x, 2))
    if (complaint == '') complaint = wrong_shape(self, 'std', shape(std), points=size(x, 2))
    if (complaint /= '') then
      call conclude(int(ersatz_bad_size, c_int), stat, errmsg, complaint)
      return
    end if
    call conclude(c_mean_and_std(self%handle, memory_of(workspace), size(x, 2, kind=c_int64_t), x, &
                                 size(x, kind=c_int64_t), mean, size(mean, kind=c_int64_t), std, &
                                 size(std, kind=c_int64_t)), stat, errmsg)
  end subroutine std_of_points

  subroutine jacobian_of_point(self, x, mean, jacobian, workspace, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    real(c_double), intent(in) :: x(:)
    real(c_double), intent(inout) :: mean(:), jacobian(:, :)
    type(ersatz_workspace), intent(inout), optional :: workspace
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: complaint
    complaint = wrong_shape(self, 'jacobian', shape(jacobian), leading=size(x))
    if (complaint /= '') then
      call conclude(int(ersatz_bad_size, c_int), stat, errmsg, complaint)
      return
    end if
    call conclude(c_mean_and_jacobian(self%handle, memory_of(workspace), 1_c_int64_t, x, size(x, kind=c_int64_t), mean, &
                                      size(mean, kind=c_int64_t), jacobian, size(jacobian, kind=c_int64_t)), stat, errmsg)
  end subroutine jacobian_of_point

  subroutine jacobian_of_points(self, x, mean, jacobian, workspace, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    real(c_double), intent(in) :: x(:, :)
    real(c_double), intent(inout) :: mean(:, :), jacobian(:, :, :)
    type(ersatz_workspace), intent(inout), optional :: workspace
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: complaint
    complaint = wrong_shape(self, 'mean', shape(mean), points=size(x, 2))
    if (complaint == '') &
      complaint = wrong_shape(self, 'jacobian', shape(jacobian), points=size(x, 2), leading=size(x, 1))
    if (complaint /= '') then
      call conclude(int(ersatz_bad_size, c_int), stat, errmsg, complaint)
      return
    end if
    call conclude(c_mean_and_jacobian(self%handle, memory_of(workspace), size(x, 2, kind=c_int64_t), x, &
                                      size(x, kind=c_int64_t), mean, size(mean, kind=c_int64_t), jacobian, &
                                      size(jacobian, kind=c_int64_t)), stat, errmsg)
  end subroutine jacobian_of_points

  !> Up to 1: inside of the domain; infinite: outside of the bounds.
  subroutine score_of_point(self, x, score, workspace, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    real(c_double), intent(in) :: x(:)
    real(c_double), intent(inout) :: score
    type(ersatz_workspace), intent(inout), optional :: workspace
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    real(c_double) :: scores(1)
    integer(c_int) :: status
    scores = 0
    status = c_domain_score(self%handle, memory_of(workspace), 1_c_int64_t, x, size(x, kind=c_int64_t), scores, 1_c_int64_t)
    if (status == ersatz_ok) score = scores(1)  ! 0 would read as inside
    call conclude(status, stat, errmsg)
  end subroutine score_of_point

  subroutine score_of_points(self, x, score, workspace, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    real(c_double), intent(in) :: x(:, :)
    real(c_double), intent(inout) :: score(:)
    type(ersatz_workspace), intent(inout), optional :: workspace
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    call conclude(c_domain_score(self%handle, memory_of(workspace), size(x, 2, kind=c_int64_t), x, &
                                 size(x, kind=c_int64_t), score, size(score, kind=c_int64_t)), stat, errmsg)
  end subroutine score_of_points

  !> Covariance of the emulator's own error at one point, of one output: symmetric, as wide as the output's part of a
  !> column.
  subroutine emulator_covariance(self, output, x, covariance, workspace, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    integer, intent(in) :: output
    real(c_double), intent(in) :: x(:)
    real(c_double), intent(inout) :: covariance(:, :)
    type(ersatz_workspace), intent(inout), optional :: workspace
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer :: width, status
    logical :: is_complex
    call output_facts(self, output, bins=width, is_complex=is_complex, stat=status)
    if (is_complex) width = 2*width
    if (status == ersatz_ok .and. any(shape(covariance) /= [width, width])) then
      call conclude(int(ersatz_bad_size, c_int), stat, errmsg, "'covariance' has the shape ("// &
                    listed(shape(covariance))//'), expected is ('//listed([width, width])//')')
      return
    end if
    call conclude(c_covariance(self%handle, memory_of(workspace), int(output, c_int64_t) - 1, x, size(x, kind=c_int64_t), &
                               covariance, size(covariance, kind=c_int64_t)), stat, errmsg)
  end subroutine emulator_covariance

  !> The covariance of a whole column of results as matmul(factors, transpose(factors)) plus a diagonal: factors has the
  !> shape (row_size, covariance_rank).
  subroutine emulator_covariance_factors(self, x, factors, diagonal, workspace, stat, errmsg)
    class(ersatz_emulator), intent(in) :: self
    real(c_double), intent(in) :: x(:)
    real(c_double), intent(inout) :: factors(:, :), diagonal(:)
    type(ersatz_workspace), intent(inout), optional :: workspace
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: complaint
    integer :: rank, status
    complaint = ''
    rank = self%covariance_rank(status)
    if (status == ersatz_ok) complaint = wrong_shape(self, 'factors', shape(factors), points=rank)
    if (complaint /= '') then
      call conclude(int(ersatz_bad_size, c_int), stat, errmsg, complaint)
      return
    end if
    call conclude(c_covariance_factors(self%handle, memory_of(workspace), x, size(x, kind=c_int64_t), factors, &
                                       size(factors, kind=c_int64_t), diagonal, size(diagonal, kind=c_int64_t)), stat, errmsg)
  end subroutine emulator_covariance_factors

end module ersatz
